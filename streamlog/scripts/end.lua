-- End a job by name, under a new attempt, unless it has ended or a later attempt than ours has it.
-- ARGV: id, attempt (ours; '' for whoever may cancel anything), state, code.
-- Answers {'ended', id, state, code, model, duration µs}, or {'already', state}, or {'stale'}, or {'gone'}.
local id, ours = ARGV[1], ARGV[2]
local of = redis.call('HMGET', RECORD .. id, 'state', 'attempt')
if not of[1] then return {'gone'} end
if of[1] ~= 'queued' and of[1] ~= 'running' then return {'already', of[1]} end
if ours ~= '' and (tonumber(of[2]) or 0) > tonumber(ours) then return {'stale'} end
return {'ended', unpack(end_by_name(id, ARGV[3], ARGV[4]))}
