-- Write chunks of several jobs, each after its predecessor and none a first one. They come as they are stored: to make a
-- text costs more here than in the worker (decision 18).
-- ARGV: for each chunk id, position of the predecessor, its own, the chunk.
-- Answers for each 'written' | 'repeated' | 'gone' | 'ended' | 'stale' | 'lost', or the error that it alone has met.
local answers = {}

local function write(id, before, position, chunk)
  local refused = refusal(id, before, position)
  if refused then return refused end
  store(id, position, chunk)
  redis.call('HSET', RECORD .. id, 'last', position)
  return 'written'
end

for i = 1, #ARGV, 4 do
  local well, told = pcall(write, ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
  if not well then told = redis.error_reply(type(told) == 'table' and told.err or tostring(told)) end
  answers[#answers + 1] = told
end
return answers
