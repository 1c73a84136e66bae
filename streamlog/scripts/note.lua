-- Write facts of a running attempt to its record. ARGV: id, attempt, then name, value, ... Answers 1 if still ours.
local of = redis.call('HMGET', RECORD .. ARGV[1], 'state', 'attempt')
if of[1] ~= 'running' or of[2] ~= ARGV[2] then return 0 end
redis.call('HSET', RECORD .. ARGV[1], unpack(ARGV, 3))
return 1
