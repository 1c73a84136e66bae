-- Remove a job of an owner: prompt, answer, record, and all that finds them. One that lives is cancelled first, so that
-- whoever follows it is told. ARGV: id, owner.
-- Answers {'removed'}, or {'ended', id, state, code, model, duration µs} if it was cancelled, or {'gone'}.
local id = ARGV[1]
local of = redis.call('HMGET', RECORD .. id, 'owner', 'state', 'worker', 'fingerprint', 'idempotency')
if of[1] ~= ARGV[2] then return {'gone'} end
local answer = {'removed'}
if lives(of[2]) then
  mend_job(id)
  answer = {'ended', unpack(end_by_name(id, 'cancelled', 'cancelled'))}
  if of[2] == 'running' and of[3] then nudge(of[3]) end
end
hide(id, of[4], of[5], false, 0)
redis.call('ZREM', OWNED .. ARGV[2], id)
redis.call('UNLINK', RECORD .. id, LOG .. id, BODY .. id)
return answer
