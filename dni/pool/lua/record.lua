-- What every act of the lease engine shares. The loader makes one library of functions of this file and the others:
-- what stands here is made once, when the server learns it, not at every call.
--
-- Keys. A pool is two: `pool`, a sorted set of number -> protected until (ms), and `leases`, a hash of
--   'state'        how the pool is: see pool_state
--   number         the record of its current lease
--   number/0 … /3  records of past holders; each new one takes the place of the oldest
--   number@        in a pool with regions: the number's own, or '' where it serves anywhere
--   a holding      the number that it was last given, while that is in the pool; 12 bytes of the visitor, 4 that stand
--                  for tag and target
-- A pool with regions has beside `pool` one such set a region, `pool`@region, always with the same scores.
--
-- A record is bytes, big-endian: a head of fixed length, then pages, calls, and what a call needs to know of the session.
local HEAD = '>c9c18c16I6I6I6I6I3BBBB'
local NONCE, SESSION, HOLDING = 1, 2, 3       -- bytes: 9, 18, 16
local STARTED, SIGN, UNTIL, TAPPED = 4, 5, 6, 7 -- ms: lease began, last sign of life, protection by signs, last tap or 0
local BEAT = 8                -- ms: the longest that a page which does not tell its beat may go by
local SIGNALLED = 9           -- 1 once a signal has come, 2 while all pages left; a lease that never signalled gets no hold
local TURN = 10               -- where this record goes among the past ones
local PAGE_COUNT, CALL_COUNT = 11, 12
local PAGES = 13              -- of each page: 4 bytes for its id, 4 last sequence number, 1 state
local CALLS = 14              -- of each call: 8 bytes for its id, 6 protected until (ms)
local ABOUT = 15              -- the tag (its length in 1 byte before it), and a touch of at most 512 bytes: see news.lua
local PAGE, CALL = 9, 14      -- bytes of each
local NO_TARGET = '\0\0\0\0' -- ends the holding of a record whose number left the pool: nothing leads to it

local LEFT, OPEN, HIDDEN = 0, 1, 2
local PAGES_KEPT = 8
local CALLS_KEPT = 4          -- two calls at once on one number are rare, more than four are a flood
local PAST_KEPT = 4

-- All in ms. A beat is announced between these two by the pool's slack; beats are the real load.
local BEAT_TIGHT, BEAT_ROOMY = 20000, 120000
local BEAT_IDLE = 60000       -- at least, while nobody moves on the page
local TIGHT, ROOMY = 0.2, 0.5 -- shares of free numbers
local HIDDEN_HOLD = 300000    -- a hidden tab is often come back to within minutes
local TAP_HOLD = 600000       -- who tapped the number may dial late or dial again
local CALL_LIMIT = 14400000   -- a call whose end we never hear protects its number for 4 h at most
local SESSION_IDLE = 1800000  -- 30 min of inactivity end a session, as in every web analytics product

-- When fewer numbers than this share are free, one address may hold so many leases that never signalled: at least 5, or
-- a tenth of the pool. Who drains a pool does not signal; people behind one address do, within a second.
local CROWDED, ADDRESS_LEAST, ADDRESS_SHARE = 0.3, 5, 0.1
local ADDRESS_WINDOW = 60000

-- What a page may show at most after its last acknowledged signal; the server must never protect less.
local function shown(beat, hold) return 1.5 * beat + hold end

-- The longest that any page may show a number without our knowing: the time to wait when knowledge was lost.
local function longest(hold) return math.max(HIDDEN_HOLD, shown(BEAT_ROOMY, hold)) end

local function unpacked(raw)
  if not raw then return nil end
  local r = { struct.unpack(HEAD, raw) }
  local pages = r[13] -- where the head ends
  local calls = pages + PAGE * r[PAGE_COUNT]
  local about = calls + CALL * r[CALL_COUNT]
  r[PAGES], r[CALLS], r[ABOUT] = raw:sub(pages, calls - 1), raw:sub(calls, about - 1), raw:sub(about)
  return r
end

local function packed(r)
  r[PAGE_COUNT], r[CALL_COUNT] = #r[PAGES] / PAGE, #r[CALLS] / CALL
  return struct.pack(HEAD, unpack(r, 1, 12)) .. r[PAGES] .. r[CALLS] .. r[ABOUT]
end

local function protected_until(r)
  local ms = r[UNTIL]
  if r[TAPPED] > 0 then ms = math.max(ms, r[TAPPED] + TAP_HOLD) end
  for at = 9, #r[CALLS], CALL do ms = math.max(ms, (struct.unpack('>I6', r[CALLS], at))) end
  return ms
end

-- The set of the number's region; nil in a pool without regions.
local function region_of(pool, leases, number)
  local region = redis.call('HGET', leases, number .. '@')
  return region and pool .. '@' .. region
end

-- Protects a number until then. `region`: as above. XX: a signal never brings a retired number back.
local function protect(pool, region, number, ms)
  redis.call('ZADD', pool, 'XX', ms, number)
  if region then redis.call('ZADD', region, 'XX', ms, number) end
end

local function keep(pool, region, leases, number, r)
  redis.call('HSET', leases, number, packed(r))
  protect(pool, region, number, protected_until(r))
end

local function page_entry(id, seq, state) return id .. struct.pack('>I4B', seq, state) end

-- Makes room for one more page. One that left may go; one that has not may still show the number, so once it is
-- forgotten the session counts as never having left.
local FORGOTTEN = '\0\0\0\0\0\0\0\0\1' -- a page_entry, OPEN; no library can be called while this one is loaded
local function with_room(pages)
  if #pages < PAGE * PAGES_KEPT then return pages end
  for at = PAGE, #pages, PAGE do
    if pages:byte(at) == LEFT then return pages:sub(1, at - PAGE) .. pages:sub(at + 1) end
  end
  return FORGOTTEN .. pages:sub(1 + 2 * PAGE)
end

-- Notes what a page said. Answers nil; or its state, unchanged, when a later word of the same page was heard before. A
-- page that `asks` for its number may show the answer, however late that was heard.
local function page_says(r, id, seq, state, asks)
  local pages = r[PAGES]
  for at = 1, #pages, PAGE do
    if pages:sub(at, at + 3) == id then
      local last = struct.unpack('>I4', pages, at + 4)
      if seq < last and not asks then return pages:byte(at + 8) end
      r[PAGES] = pages:sub(1, at - 1) .. page_entry(id, math.max(seq, last), state) .. pages:sub(at + PAGE)
      return nil
    end
  end
  r[PAGES] = with_room(pages) .. page_entry(id, seq, state)
  return nil
end

local function all_left(r)
  for at = PAGE, #r[PAGES], PAGE do
    if r[PAGES]:byte(at) ~= LEFT then return false end
  end
  return true
end

-- Where the present holder of a number goes when another takes it: field and value for HSET.
local function past(number, r) return number .. '/' .. r[TURN] end

-- Run id, recovering until (ms), looked at (ms), beat (ms), how many numbers, 1 when behind, 1 when it has regions.
local STATE = '>c40I6I6I3I4BB'
local LOOK_EVERY = 1000

local function slack(pool, now)
  local size = redis.call('ZCARD', pool)
  local free = redis.call('ZCOUNT', pool, '-inf', now) / math.max(1, size)
  local roomy = math.min(1, math.max(0, (free - TIGHT) / (ROOMY - TIGHT)))
  local beat = math.floor((BEAT_TIGHT + roomy * (BEAT_ROOMY - BEAT_TIGHT)) / 1000) * 1000
  return beat, size
end

-- How many leases without a signal one address may hold now; 0: any. Looked at for every new lease: within a second a
-- pool can be drained.
local function limit_of_address(pool, size, now)
  if redis.call('ZCOUNT', pool, '-inf', now) >= CROWDED * size then return 0 end
  return math.max(ADDRESS_LEAST, math.floor(ADDRESS_SHARE * size))
end

-- How a pool is, from its packed `state`: no new lease before (ms, 0: now), the beat to announce (ms), how many numbers it
-- has, whether it has regions, whether too many events wait for the recorder.
--
-- A server that restarted or failed over may have forgotten its last writes. The pool then trusts nothing but what is
-- protected or taken back by its holder, until no screen can still show a number that we do not know of.
-- Slack and backlog are looked at once a second; between, they are what they were.
local function pool_state(pool, leases, events, state, run, now, hold, backlog)
  local known, till, looked, beat, size, behind, regions = struct.unpack(STATE, state)
  local before = looked
  if known ~= run then till, looked = now + longest(hold), 0 end
  if now - looked >= LOOK_EVERY or now < looked then
    looked = now
    beat, size = slack(pool, now)
    behind = redis.call('XLEN', events) >= backlog and 1 or 0
  end
  if looked ~= before or known ~= run then
    redis.call('HSET', leases, 'state', struct.pack(STATE, run, till, looked, beat, size, behind, regions))
  end
  return till > now and till or 0, beat, size, regions == 1, behind == 1
end

-- Leases without a signal that an address holds: since when (ms) and how many. The key ends by itself.
local function of_address(key, now)
  local raw = redis.call('GET', key)
  if raw then
    local since, count = struct.unpack('>I6I4', raw)
    if now - since < ADDRESS_WINDOW and now >= since then return since, count end
  end
  return now, 0
end

local function set_of_address(key, since, count)
  redis.call('SET', key, struct.pack('>I6I4', since, count), 'PX', ADDRESS_WINDOW)
end
