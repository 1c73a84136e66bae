-- Write a chunk after its predecessor.
-- ARGV: id, attempt, number of the predecessor, first, last, head JSON or '', data, then record fields as name, value, ...
-- Answers {'written' | 'repeated' | 'gone' | 'ended' | 'stale' | 'lost'}.
local id, attempt, first, last = ARGV[1], ARGV[2], ARGV[4], ARGV[5]
local refused = refusal(id, attempt .. '-' .. ARGV[3], attempt .. '-' .. last)
if refused then return {refused} end

local _, now_us = clock()
local position = store_told(id, attempt, first, last, '', now_us, ARGV[6], ARGV[7])
if first == '1' then
  redis.call('HSET', RECORD .. id, 'content_us', now_us)
  log_expires_with_record(id)
end
redis.call('HSET', RECORD .. id, 'last', position, unpack(ARGV, 8))
return {'written'}
