-- Write the last chunk after its predecessor, and end the job. Apart from `append`, which runs for every chunk.
-- ARGV: id, attempt, number of the predecessor, first, last, head JSON or '', data, mark, code or '',
--       then record fields as name, value, ...
-- Answers {'written' | 'repeated', model, duration µs}, or {'gone' | 'ended' | 'stale' | 'lost'}.
local id, attempt, first, last, mark = ARGV[1], ARGV[2], ARGV[4], ARGV[5], ARGV[8]
local refused = refusal(id, attempt .. '-' .. ARGV[3], attempt .. '-' .. last)
if refused == 'repeated' then
  local ended = redis.call('HMGET', RECORD .. id, 'model', 'ended_us', 'created_us')
  return {'repeated', ended[1] or '', digits((tonumber(ended[2]) or 0) - (tonumber(ended[3]) or 0))}
end
if refused then return {refused} end

local _, now_us = clock()
local position = store_told(id, attempt, first, last, mark, now_us, ARGV[6], ARGV[7])
local fields = {unpack(ARGV, 10)}
if first == '1' and mark ~= 'failed' then
  fields[#fields + 1] = 'content_us'
  fields[#fields + 1] = now_us
end
if fields[1] then redis.call('HSET', RECORD .. id, unpack(fields)) end
if first == '1' then log_expires_with_record(id) end
local well, told = attempted(finish, id, mark, position, ARGV[9], now_us)
if not well then
  mend_job(id)
  told = finish(id, mark, position, ARGV[9], now_us)
end
return {'written', unpack(told)}
