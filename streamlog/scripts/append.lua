-- Write a chunk after its predecessor. One comparison is fence, dedupe, ending and hole check.
-- ARGV: id, attempt, number of the predecessor, first, last, mark or '', code or '', head JSON or '', data,
--       then record fields as name, value, ...
-- Answers {'written' | 'repeated' | 'gone' | 'ended' | 'stale' | 'lost', model, duration µs of an ending}.
local id, attempt, last, mark = ARGV[1], ARGV[2], ARGV[5], ARGV[6]
local of = redis.call('HMGET', RECORD .. id, 'state', 'last', 'attempt')
if not of[1] then return {'gone'} end
if of[2] == attempt .. '-' .. last then -- an earlier try got through
  if mark == '' then return {'repeated'} end
  local ended = redis.call('HMGET', RECORD .. id, 'model', 'ended_us', 'created_us')
  return {'repeated', ended[1] or '', digits((tonumber(ended[2]) or 0) - (tonumber(ended[3]) or 0))}
end
if of[1] ~= 'running' and of[1] ~= 'queued' then return {'ended'} end
if of[2] ~= attempt .. '-' .. ARGV[3] then
  if (tonumber(of[3]) or 0) > tonumber(attempt) then return {'stale'} end
  return {'lost'} -- nobody came after us, yet our frames are not there: Redis lost its tail
end

local _, now_us = clock()
local position = store(id, attempt, ARGV[4], last, mark, now_us, ARGV[8], ARGV[9])
if ARGV[4] == '1' then
  if mark ~= 'failed' then redis.call('HSET', RECORD .. id, 'content_us', now_us) end
  log_expires_with_record(id)
end
for i = 10, #ARGV, 2 do redis.call('HSET', RECORD .. id, ARGV[i], ARGV[i + 1]) end
if mark == '' then
  redis.call('HSET', RECORD .. id, 'last', position)
  return {'written'}
end
return {'written', unpack(finish(id, mark, position, ARGV[7], now_us))}
