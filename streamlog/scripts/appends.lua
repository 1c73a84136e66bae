-- Write chunks of several jobs, each after its predecessor and none a first one: `append` without what that knows beyond.
-- ARGV: for each chunk id, attempt, number of the predecessor, first, last, data.
-- Answers for each 'written' | 'repeated' | 'gone' | 'ended' | 'stale' | 'lost', or the error that it alone has met.
local answers = {}
local _, now_us = clock()

local function write(id, attempt, before, first, last, data)
  local refused = refusal(id, attempt, before, last)
  if refused then return refused end
  redis.call('HSET', RECORD .. id, 'last', store(id, attempt, first, last, '', now_us, '', data))
  return 'written'
end

for i = 1, #ARGV, 6 do
  local well, told = pcall(write, unpack(ARGV, i, i + 5))
  if not well then told = redis.error_reply(type(told) == 'table' and told.err or tostring(told)) end
  answers[#answers + 1] = told
end
return answers
