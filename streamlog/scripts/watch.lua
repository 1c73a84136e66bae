-- A gateway says which jobs it is watching. ARGV: gateway, watch ms, id, id, ...
local now_ms = clock()
local until_ms = digits(now_ms + tonumber(ARGV[2]))
for i = 3, #ARGV do
  local of = redis.call('HMGET', RECORD .. ARGV[i], 'state', 'grace_ms')
  if of[1] == 'queued' or of[1] == 'running' then
    redis.call('HSET', WATCH .. ARGV[i], ARGV[1], until_ms)
    redis.call('PEXPIRE', WATCH .. ARGV[i], tonumber(ARGV[2]) + (tonumber(of[2]) or 0) + 60000)
  end
end
