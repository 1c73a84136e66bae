-- Begin a conversation. ARGV: id, owner, title, assistant or '', life ms. Answers its Redis time in microseconds.
local id, owner = ARGV[1], ARGV[2]
local known = redis.call('HGET', CONVERSATION .. id, 'created_us')
if known then return known end -- the same call, sent again after a lost reply
local _, now_us = clock()
redis.call('HSET', CONVERSATION .. id, 'owner', owner, 'title', ARGV[3], 'assistant', ARGV[4], 'turns', '0',
  'created_us', now_us, 'updated_us', now_us)
redis.call('PEXPIRE', CONVERSATION .. id, ARGV[5])
dropped(CONVERSATIONS .. owner, 'zset')
list_conversation(owner, id, now_us, ARGV[5])
return now_us
