-- Puts numbers of a pool into this Redis and takes retired ones out. The same call twice changes nothing.
--
-- KEYS  1 pool   2 leases
-- ARGV  1 now (ms)   2 run id of this server   3 hold (ms)
--       4 '1' when the pool has regions   5 how many numbers that were never in Redis follow   6 how many that were
--       then these, with @ and the region where the pool has any ('' for anywhere), then retired ones
-- Answers {added, lost, removed}; `lost` counts those that went with the whole pool: this Redis did not know it.
-- Effects: a number that was never in Redis is free at once. One that was, and is not now (lost, or retired and given
--          again), may still be on a screen: it is protected for the longest time that a screen can show it. A pool
--          that was lost is recovering meanwhile, and so is one that knows another run id: this server may have
--          forgotten what the other was told. A retired number leaves the pool, and its holder gets another one
--          with his next page; its record and past holders stay, so that a late call finds them.
-- O(N log N): only when the configuration changed or Redis was lost.

-- `region` nil: of none.
local function move(pool, leases, number, region)
  local before = redis.call('HGET', leases, number .. '@') or nil
  if before == region then return end
  if before then redis.call('ZREM', pool .. '@' .. before, number) end
  if region then
    redis.call('HSET', leases, number .. '@', region)
    redis.call('ZADD', pool .. '@' .. region, redis.call('ZSCORE', pool, number), number)
  else
    redis.call('HDEL', leases, number .. '@')
  end
end

-- Answers 1 for a number that was not in the pool.
local function put(pool, leases, number, ms)
  local new = redis.call('ZADD', pool, 'NX', ms, number)
  local r = new == 1 and unpacked(redis.call('HGET', leases, number))
  -- Who saw it when it was retired may have gone on with it, or be in a call.
  if r then redis.call('ZADD', pool, 'GT', protected_until(r), number) end
  return new
end

local function place(KEYS, ARGV)
  local pool, leases = KEYS[1], KEYS[2]
  local now, run, hold, regions = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
  local fresh, known = tonumber(ARGV[5]), tonumber(ARGV[6])
  local till = now + longest(hold)

  local state = redis.call('HGET', leases, 'state')
  local missing = not state
  local told_by, recovering, looked, beat, size, behind, had = run, 0, 0, BEAT_ROOMY, 0, 0, 0
  if state then told_by, recovering, looked, beat, size, behind, had = struct.unpack(STATE, state) end
  if told_by ~= run then recovering, looked = till, 0 end

  local added, lost, removed = 0, 0, 0
  for i = 7, 6 + fresh + known do
    local number, region = ARGV[i]:match('^([^@]*)@?(.*)$')
    local back = put(pool, leases, number, i <= 6 + fresh and 0 or till)
    if missing and i > 6 + fresh then lost = lost + back else added = added + back end
    if had + regions > 0 then move(pool, leases, number, regions == 1 and region or nil) end
  end
  for i = 7 + fresh + known, #ARGV do
    local number = ARGV[i]
    if redis.call('ZREM', pool, number) == 1 then
      removed = removed + 1
      move(pool, leases, number)
      local r = unpacked(redis.call('HGET', leases, number))
      if r then
        redis.call('HDEL', leases, r[HOLDING])
        r[HOLDING] = r[HOLDING]:sub(1, 12) .. NO_TARGET
        redis.call('HSET', leases, number, packed(r))
      end
    end
  end
  if lost > 0 then recovering, looked = till, 0 end
  redis.call('HSET', leases, 'state', struct.pack(STATE, run, recovering, looked, beat, size, behind, regions))
  return { added, lost, removed }
end
