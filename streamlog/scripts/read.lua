-- A page of a log from one position on, inclusive. ARGV: id, position or '-', most bytes.
-- Answers {state or false, {entry, ...}, more (0 or 1)}; reads little by little, so that a page of large chunks is short.
-- Two entries at least: the first may be one that the reader has, and it must get on.
local from, bytes, entries = ARGV[2], 0, {}
local state = redis.call('HGET', RECORD .. ARGV[1], 'state')
while true do
  local some = redis.call('XRANGE', LOG .. ARGV[1], from, '+', 'COUNT', 16)
  for _, entry in ipairs(some) do
    if #entries > 1 and bytes >= tonumber(ARGV[3]) then return {state, entries, 1} end
    entries[#entries + 1] = entry
    bytes = bytes + #entry[2][#entry[2]]
    from = '(' .. entry[1]
  end
  if #some < 16 then return {state, entries, 0} end
end
