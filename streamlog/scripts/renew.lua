-- Extend the leases of all jobs that a worker runs, and look at some of these.
-- ARGV: lease ms, how many are only extended, their ids, then id, attempt, id, attempt, ...
-- Answers one word a pair: 'ours', 'lost' (another attempt, or ended, or gone), or, for an attached job that
-- nobody has watched for its grace time, {'abandoned', id, state, code, model, duration µs}: it is then ended here.
local answers = {}
local now_ms = clock()
local lease_end_ms = digits(now_ms + tonumber(ARGV[1]))

-- What can fail because of this job: the ending, or nil if somebody wants it.
local function unwanted(id, grace_ms, left_ms, created_us)
  if last_seen_ms(id, left_ms, created_us) + (tonumber(grace_ms) or 0) > now_ms then return nil end
  mend_job(id)
  return end_by_name(id, 'cancelled', 'abandoned')
end

-- What is not looked at costs a thousandth of a command. A lease that is gone, or another's by now, gains nothing; but if
-- all are gone, ours are born again: a job without one would be nobody's when this worker dies.
local gone = mend_leases(now_ms) or redis.call('EXISTS', LEASES) == 0
local PAGE = 1000
local looked_from = 3 + tonumber(ARGV[2])
for from = 3, looked_from - 1, PAGE do
  local extended = gone and {'GT'} or {'XX', 'GT'}
  for i = from, math.min(from + PAGE, looked_from) - 1 do
    extended[#extended + 1] = lease_end_ms
    extended[#extended + 1] = ARGV[i]
  end
  redis.call('ZADD', LEASES, unpack(extended))
end

for i = looked_from, #ARGV, 2 do
  local id = ARGV[i]
  local of = redis.pcall('HMGET', RECORD .. id, 'state', 'attempt', 'attached', 'grace_ms', 'left_ms', 'created_us')
  local well, told = not of.err, nil
  local ours = well and of[1] == 'running' and of[2] == ARGV[i + 1]
  if ours and of[3] == '1' then well, told = attempted(unwanted, id, of[4], of[5], of[6]) end
  if not well then leave_to_the_sweep(id) end
  if not well or not ours then
    answers[#answers + 1] = 'lost'
  elseif told then
    answers[#answers + 1] = {'abandoned', unpack(told)}
  else
    redis.call('ZADD', LEASES, lease_end_ms, id)
    answers[#answers + 1] = 'ours'
  end
end
return answers
