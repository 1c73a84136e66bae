-- Put a job into the queue. Its body must be stored already.
-- ARGV: id, body bytes, most jobs, most bytes, life ms, queue wait ms, hold ms, arq's job, gateway or '', watch ms,
--       then record fields as name, value, ...
-- Answers {'queued' | 'queue_full_jobs' | 'queue_full_bytes' | 'body_missing', created µs or the present figure}.
local id, body_bytes, life_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[5])
local known = redis.call('HGET', RECORD .. id, 'created_us')
if known then return {'queued', known} end -- the same submit, sent again after a lost reply
if redis.call('STRLEN', BODY .. id) ~= body_bytes then return {'body_missing', '0'} end

local depth = redis.call('ZCARD', QUEUE)
if depth >= tonumber(ARGV[3]) then
  redis.call('UNLINK', BODY .. id)
  return {'queue_full_jobs', digits(depth)}
end
local held_bytes = tonumber(redis.call('GET', QUEUED_BYTES) or '0')
if held_bytes + body_bytes > tonumber(ARGV[4]) then
  redis.call('UNLINK', BODY .. id)
  return {'queue_full_bytes', digits(held_bytes)}
end

local now_ms, now_us = clock()
local attempt = next_attempt(0, now_ms)
local queue_until_ms = now_ms + tonumber(ARGV[6])
redis.call('HSET', RECORD .. id, 'state', 'queued', 'attempt', attempt, 'last', attempt .. '-0', 'claims', '0',
  'created_us', now_us, 'body_bytes', ARGV[2], 'queue_wait_ms', ARGV[6],
  'queue_until_ms', digits(queue_until_ms), 'hold_until_ms', digits(now_ms + tonumber(ARGV[7])))
for i = 11, #ARGV, 2 do redis.call('HSET', RECORD .. id, ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', RECORD .. id, life_ms)
redis.call('SET', ARQ_JOB .. id, ARGV[8], 'PX', life_ms)

local check_ms = queue_until_ms
if ARGV[9] ~= '' then
  local watched_until_ms = now_ms + tonumber(ARGV[10])
  local grace_ms = tonumber(redis.call('HGET', RECORD .. id, 'grace_ms') or '0')
  redis.call('HSET', WATCH .. id, ARGV[9], digits(watched_until_ms))
  redis.call('PEXPIRE', WATCH .. id, life_ms)
  check_ms = math.min(check_ms, watched_until_ms + grace_ms)
end
enqueue(id, now_us, ARGV[2], check_ms)
return {'queued', now_us}
