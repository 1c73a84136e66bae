-- A page of an owner's jobs, newest first. Looks at 1,000 at most, and forgets those whose record has expired, and what is
-- no job.
-- ARGV: owner, created µs and id of the job that the page begins behind ('' for the newest), most jobs, state or '',
--       then names of record fields.
-- Answers {{{id, record fields ...}, ...}, created µs and id of the last job looked at if there may be more}.
local owner, state, found = ARGV[1], ARGV[5], {}
local from = ARGV[2] == '' and '+inf' or ARGV[2]
dropped(OWNED .. owner, 'zset')
local seen = redis.call('ZRANGE', OWNED .. owner, from, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1000, 'WITHSCORES')
for i = 1, #seen, 2 do
  local id, created_us = seen[i], digits(tonumber(seen[i + 1]))
  if created_us ~= ARGV[2] or id < ARGV[3] then
    local of = redis.pcall('HMGET', RECORD .. id, 'state', unpack(ARGV, 6))
    if not of[1] or not is_id(id) or not is_figure(created_us) then
      redis.call('ZREM', OWNED .. owner, id)
    elseif state == '' or of[1] == state then
      of[1] = id
      found[#found + 1] = of
    end
    if #found == tonumber(ARGV[4]) and seen[i + 2] then return {found, created_us, id} end
  end
end
if #seen == 2000 then return {found, digits(tonumber(seen[2000])), seen[1999]} end
return {found}
