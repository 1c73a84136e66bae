-- A page of an owner's conversations, those answered last first. Looks at 1,000 at most, and forgets those that expired.
-- ARGV: owner, updated µs and id of the one that the page begins behind ('' for the newest), most, then names of fields.
-- Answers {{{id, fields ...}, ...}, updated µs and id of the last one looked at if there may be more}.
local owner, found = ARGV[1], {}
local from = ARGV[2] == '' and '+inf' or ARGV[2]
dropped(CONVERSATIONS .. owner, 'zset')
local seen = redis.call('ZRANGE', CONVERSATIONS .. owner, from, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1000, 'WITHSCORES')
for i = 1, #seen, 2 do
  local id, updated_us = seen[i], digits(tonumber(seen[i + 1]))
  if updated_us ~= ARGV[2] or id < ARGV[3] then
    local of = redis.pcall('HMGET', CONVERSATION .. id, 'owner', unpack(ARGV, 5))
    if of[1] ~= owner then
      redis.call('ZREM', CONVERSATIONS .. owner, id)
    else
      of[1] = id
      found[#found + 1] = of
    end
    if #found == tonumber(ARGV[4]) and seen[i + 2] then return {found, updated_us, id} end
  end
end
if #seen == 2000 then return {found, digits(tonumber(seen[2000])), seen[1999]} end
return {found}
