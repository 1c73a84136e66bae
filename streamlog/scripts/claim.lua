-- Move the oldest queued jobs to this worker, with all that it needs to begin: no other round trip follows.
-- Costs by what it claims, never by what is in flight.
-- ARGV: worker, most to claim (at most 8), lease ms, largest body to bring along, lane, then names of record fields.
-- Answers {{id, attempt, hold left ms, queue wait µs, arq's job or false, body or false, record fields ...}, ...}.
local claimed = {}
local now_ms, now_us = clock()
local lane = ARGV[5]
local most = math.min(tonumber(ARGV[2]), 8)
if most < 1 then return claimed end -- an end of -1 would be the whole queue
for _, id in ipairs(redis.call('ZRANGE', QUEUE .. lane, 0, most - 1)) do
  local of = redis.call('HMGET', RECORD .. id, 'state', 'attempt', 'hold_until_ms', 'created_us')
  dequeue(id)
  if of[1] == 'queued' then
    local attempt = next_attempt(of[2], now_ms)
    redis.call('HSET', RECORD .. id, 'state', 'running', 'attempt', attempt, 'last', attempt .. '-0',
      'worker', ARGV[1], 'claimed_us', now_us)
    redis.call('HINCRBY', RECORD .. id, 'claims', 1)
    redis.call('ZADD', LEASES, digits(now_ms + tonumber(ARGV[3])), id)
    local small = redis.call('STRLEN', BODY .. id) <= tonumber(ARGV[4])
    claimed[#claimed + 1] = {id, attempt, digits((tonumber(of[3]) or 0) - now_ms),
      digits(tonumber(now_us) - (tonumber(of[4]) or now_us)), redis.call('GET', ARQ_JOB .. id),
      small and redis.call('GET', BODY .. id), unpack(redis.call('HMGET', RECORD .. id, unpack(ARGV, 6)))}
  end
end
if redis.call('ZCARD', QUEUE .. lane) > 0 then ring(lane) end
return claimed
