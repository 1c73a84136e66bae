-- Write an ended job's answer into its conversation, once, and shorten the life of its log: the answer is here from now on.
-- ARGV: conversation, turn, job, the answer as JSON, ms for which the log is still kept. Answers 1 if it was written.
local key, turn, job = CONVERSATION .. ARGV[1], ARGV[2], ARGV[3]
if redis.call('HGET', key, 'by:' .. turn) ~= job then return 0 end -- removed meanwhile: never to be born again
if lives(redis.call('HGET', RECORD .. job, 'state')) then return 0 end
local written = redis.call('HSETNX', key, 'answer:' .. turn, ARGV[4])
for _, kept in ipairs({RECORD .. job, LOG .. job}) do
  if redis.call('PTTL', kept) > tonumber(ARGV[5]) then redis.call('PEXPIRE', kept, ARGV[5]) end
end
return written
