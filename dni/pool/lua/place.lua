-- Puts numbers of a pool into this Redis and takes retired ones out. The same call twice changes nothing.
--
-- KEYS  1 pool   2 leases
-- ARGV  1 now (ms)   2 run id of this server   3 hold (ms)
--       4 how many numbers that were never in Redis follow   5 how many that were   then these, then retired ones
-- Answers {added, lost, removed}; `lost` counts those that went with the whole pool: this Redis did not know it.
-- Effects: a number that was never in Redis is free at once. One that was, and is not now (lost, or retired and given
--          again), may still be on a screen: it is protected for the longest time that a screen can show it. A pool
--          that was lost is recovering meanwhile. A retired number leaves the pool, and its holder gets another one
--          with his next page; its record and past holders stay, so that a late call finds them.
-- O(N log N): only when the configuration changed or Redis was lost.
local function place(KEYS, ARGV)
  local pool, leases = KEYS[1], KEYS[2]
  local now, run, hold = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
  local fresh, known = tonumber(ARGV[4]), tonumber(ARGV[5])
  local till = now + longest(hold)

  local missing = redis.call('HSETNX', leases, 'state', struct.pack(STATE, run, 0, 0, BEAT_ROOMY, 0, 0)) == 1
  local added, lost, removed = 0, 0, 0
  for i = 6, 5 + fresh do added = added + redis.call('ZADD', pool, 'NX', 0, ARGV[i]) end
  for i = 6 + fresh, 5 + fresh + known do
    local back = redis.call('ZADD', pool, 'NX', till, ARGV[i])
    if missing then lost = lost + back else added = added + back end
  end
  for i = 6 + fresh + known, #ARGV do
    local number = ARGV[i]
    if redis.call('ZREM', pool, number) == 1 then
      removed = removed + 1
      local r = unpacked(redis.call('HGET', leases, number))
      if r then
        redis.call('HDEL', leases, r[HOLDING])
        r[HOLDING] = r[HOLDING]:sub(1, 12) .. NO_TARGET
        redis.call('HSET', leases, number, packed(r))
      end
    end
  end
  if lost > 0 then redis.call('HSET', leases, 'state', struct.pack(STATE, run, till, 0, BEAT_ROOMY, 0, 0)) end
  return { added, lost, removed }
end
