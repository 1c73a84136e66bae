-- A gateway's last subscriber of a job has left. ARGV: gateway, id.
local id = ARGV[2]
redis.call('HDEL', WATCH .. id, ARGV[1])
local of = redis.call('HMGET', RECORD .. id, 'state', 'attached', 'grace_ms')
if of[1] ~= 'queued' and of[1] ~= 'running' then return end
local now_ms = clock()
redis.call('HSET', RECORD .. id, 'left_ms', digits(now_ms))
if of[1] == 'queued' and of[2] == '1' then
  redis.call('ZADD', CHECKS, 'LT', digits(now_ms + (tonumber(of[3]) or 0)), id)
end
