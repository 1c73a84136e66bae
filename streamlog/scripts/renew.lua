-- Extend the leases of all jobs that a worker runs. ARGV: lease ms, then id, attempt, id, attempt, ...
-- Answers one word a pair: 'ours', 'lost' (another attempt, or ended, or gone), or, for an attached job that
-- nobody has watched for its grace time, {'abandoned', id, state, code, model, duration µs}: it is then ended here.
local answers = {}
local now_ms = clock()
local lease_end_ms = digits(now_ms + tonumber(ARGV[1]))
for i = 2, #ARGV, 2 do
  local id = ARGV[i]
  local of = redis.call('HMGET', RECORD .. id, 'state', 'attempt', 'attached', 'grace_ms', 'left_ms', 'created_us')
  if of[1] ~= 'running' or of[2] ~= ARGV[i + 1] then
    answers[#answers + 1] = 'lost'
  elseif of[3] == '1' and last_seen_ms(id, of[5], of[6]) + (tonumber(of[4]) or 0) <= now_ms then
    local told = end_by_name(id, 'cancelled', 'abandoned')
    answers[#answers + 1] = {'abandoned', unpack(told)}
  else
    redis.call('ZADD', LEASES, lease_end_ms, id)
    answers[#answers + 1] = 'ours'
  end
end
return answers
