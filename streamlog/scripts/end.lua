-- End a job by name, under a new attempt, unless it has ended or a later attempt than ours has it.
-- ARGV: id, attempt (ours; '' for whoever may cancel anything), state, code.
-- Answers {'ended', id, state, code, model, duration µs}, or {'already', state}, or {'stale'}, or {'gone'}.
local id, ours = ARGV[1], ARGV[2]
local of = redis.call('HMGET', RECORD .. id, 'state', 'attempt', 'worker')
if not of[1] then return {'gone'} end
if not lives(of[1]) then return {'already', of[1]} end
if ours ~= '' and (tonumber(of[2]) or 0) > tonumber(ours) then return {'stale'} end
mend_job(id)
local ended = end_by_name(id, ARGV[3], ARGV[4])
if ours == '' and of[1] == 'running' and of[3] then nudge(of[3]) end
return {'ended', unpack(ended)}
