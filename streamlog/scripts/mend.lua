-- Drop what is not ours among the keys that a submit reads and that belong to no job alone. ARGV: owner, fingerprint,
-- idempotency digest or ''.
mend_owner(ARGV[1])
mend_ways(ARGV[2], ARGV[3] ~= '' and ARGV[3])
for _, set in ipairs({LIVE .. ARGV[1], TWINS .. ARGV[2]}) do
  for _, id in ipairs(redis.call('ZRANGE', set, 0, 63)) do
    if redis.pcall('HMGET', RECORD .. id, 'state').err or redis.pcall('HMGET', WATCH .. id, '').err then
      redis.call('ZREM', set, id)
      leave_to_the_sweep(id)
    end
  end
end
