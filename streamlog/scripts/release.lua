-- A worker lets go of a job that it did not end. ARGV: id, attempt, '1' to give it back at once (a drain).
-- Never touches the queue of a job that is not ours: a stale worker must not disturb its successor.
-- Answers 'released', 'requeued', or 'not_ours'.
local id = ARGV[1]
local of = redis.call('HMGET', RECORD .. id, 'state', 'attempt', 'last')
if of[1] ~= 'running' or of[2] ~= ARGV[2] then return 'not_ours' end
local now_ms = clock()
if ARGV[3] == '1' and string.find(of[3], '-0$') then
  redis.call('HINCRBY', RECORD .. id, 'claims', -1) -- a drain is not the job's fault
  requeue(id, now_ms)
  return 'requeued'
end
redis.call('ZADD', LEASES, digits(now_ms), id) -- the sweep decides
return 'released'
