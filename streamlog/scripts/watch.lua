-- A gateway says which jobs it is watching. ARGV: gateway, watch ms, id, id, ...
local now_ms = clock()
for i = 3, #ARGV do
  local of = redis.pcall('HMGET', RECORD .. ARGV[i], 'state', 'grace_ms')
  if of[1] == 'queued' or of[1] == 'running' then
    attempted(watch, ARGV[i], ARGV[1], tonumber(ARGV[2]), of[2], now_ms) -- one that is not as ours are hinders no other
  end
end
