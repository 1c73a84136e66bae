-- Remove a conversation of an owner, once no job of it lives. ARGV: id, owner.
-- Answers {'removed'}, {'gone'}, or {'lives', job}: to be ended first.
local of = redis.call('HMGET', CONVERSATION .. ARGV[1], 'owner', 'job')
if of[1] ~= ARGV[2] then return {'gone'} end
if of[2] and lives(redis.call('HGET', RECORD .. of[2], 'state')) then return {'lives', of[2]} end
redis.call('ZREM', CONVERSATIONS .. ARGV[2], ARGV[1])
redis.call('UNLINK', CONVERSATION .. ARGV[1])
return {'removed'}
