-- A message of a conversation: a submit that is refused while another is being answered, and leaves its turn there.
-- ARGV: conversation, turns that the caller has seen answered, the message, a title for want of one, then those of
--       `submit`. Answers as `submit` does, or {'conversation_not_found' | 'conversation_busy' | 'conversation_moved', '0'}.
local conversation, seen, message, title = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local ARGV = {unpack(ARGV, 5)}
-- Here stands `submit`, and at the end of its refusals:
local of = redis.call('HMGET', CONVERSATION .. conversation, 'owner', 'turns', 'job', 'title')
if of[1] ~= owner then return refuse('conversation_not_found', '0') end
if of[3] and lives(redis.call('HGET', RECORD .. of[3], 'state')) then return refuse('conversation_busy', '0') end
if tonumber(of[2]) ~= seen then return refuse('conversation_moved', '0') end
dropped(CONVERSATIONS .. owner, 'zset')
local turn = digits(seen + 1)
redis.call('HSET', CONVERSATION .. conversation, 'turns', turn, 'job', id, 'by:' .. turn, id, 'said:' .. turn, message,
  'updated_us', now_us, 'title', of[4] ~= '' and of[4] or title)
redis.call('PEXPIRE', CONVERSATION .. conversation, life_ms)
redis.call('HSET', RECORD .. id, 'conversation', conversation)
list_conversation(owner, conversation, now_us, life_ms)
