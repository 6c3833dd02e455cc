-- What every script of the lease engine shares; put in front of each of them by the loader.
--
-- A record is the current lease of one number, an array packed by cmsgpack:
local NONCE, SESSION, VISITOR, TAG, TARGET = 1, 2, 3, 4, 5
local STARTED, SIGN = 6, 7    -- ms: when the lease began, the session's last sign of life
local BEAT = 8                -- ms: the interval that the page was told
local SIGNALLED = 9           -- 1 once a signal has come; a lease that never signalled gets no hold
local TAPPED = 10             -- ms of the last tap, 0 for none
local UNTIL = 11              -- ms: protection by signs of life alone
local TOUCH = 12              -- JSON, at most 512 bytes: what a call needs to know of the session
local PAGES = 13              -- flat: page id, last sequence number, state (below), …
local CALLS = 14              -- flat: call id, protected until (ms), …
local ENDED = 15              -- ms: when the number went to another session; only in past records

local LEFT, OPEN, HIDDEN = 0, 1, 2
local PAGES_KEPT = 8          -- a session with more open pages than this forgets the oldest

-- All in ms. A beat is announced between these two by the pool's slack; beats are the real load.
local BEAT_TIGHT, BEAT_ROOMY = 20000, 120000
local TIGHT, ROOMY = 0.2, 0.5 -- shares of free numbers
local HIDDEN_HOLD = 300000    -- a hidden tab is often come back to within minutes
local TAP_HOLD = 600000       -- who tapped the number may dial late or dial again
local CALL_LIMIT = 14400000   -- a call whose end we never hear protects its number for 4 h at most
local SESSION_IDLE = 1800000  -- 30 min of inactivity end a session, as in every web analytics product
local PAST_KEPT = 4           -- past holders a number

-- What a page may show at most after its last acknowledged signal; the server must never protect less.
local function shown(beat, hold) return 1.5 * beat + hold end

-- The longest that any page may show a number without our knowing: the time to wait when knowledge was lost.
local function longest(hold) return math.max(HIDDEN_HOLD, shown(BEAT_ROOMY, hold)) end

local function protected_until(r)
  local ms = math.max(r[UNTIL], r[TAPPED] > 0 and r[TAPPED] + TAP_HOLD or 0)
  for i = 2, #r[CALLS], 2 do ms = math.max(ms, r[CALLS][i]) end
  return ms
end

-- Stores the record and its score. XX: a signal never brings a retired number back.
local function keep(pool, leases, number, r)
  redis.call('HSET', leases, number, cmsgpack.pack(r))
  redis.call('ZADD', pool, 'XX', protected_until(r), number)
end

local function record(leases, number)
  local raw = redis.call('HGET', leases, number)
  return raw and cmsgpack.unpack(raw)
end

local function slack_beat(pool, now)
  local free = redis.call('ZCOUNT', pool, '-inf', now) / math.max(1, redis.call('ZCARD', pool))
  local slack = math.min(1, math.max(0, (free - TIGHT) / (ROOMY - TIGHT)))
  return math.floor((BEAT_TIGHT + slack * (BEAT_ROOMY - BEAT_TIGHT)) / 1000) * 1000
end

-- Notes what a page said. Answers false when a later word of the same page was heard before.
local function page_says(r, id, seq, state)
  local pages = r[PAGES]
  for i = 1, #pages, 3 do
    if pages[i] == id then
      if seq < pages[i + 1] then return false end
      pages[i + 1], pages[i + 2] = seq, state
      return true
    end
  end
  if #pages >= 3 * PAGES_KEPT then
    for _ = 1, 3 do table.remove(pages, 1) end
  end
  for _, value in ipairs({ id, seq, state }) do pages[#pages + 1] = value end
  return true
end

local function any_page(r, state)
  for i = 3, #r[PAGES], 3 do
    if r[PAGES][i] == state then return true end
  end
  return false
end

-- The holder of a number goes: into the list of past holders, and one event for the ledger.
local function dismiss(past, events, number, r, now)
  r[ENDED], r[PAGES], r[CALLS] = now, {}, {}
  redis.call('LPUSH', past, cmsgpack.pack(r))
  redis.call('LTRIM', past, 0, PAST_KEPT - 1)
  redis.call('XADD', events, '*', 'k', 'ended', 't', now, 'n', number, 'l', r[NONCE], 'i', r[STARTED],
    'g', r[TAG], 's', r[SESSION], 'u', r[SIGN])
end

-- How a pool is: {recovering = no new lease before (ms, 0: now), beat = what to announce (ms), behind = too many events
-- wait for the recorder}, or nil when the pool is not in this Redis at all.
--
-- A server that restarted or failed over may have forgotten its last writes. The pool then trusts nothing but what is
-- protected or taken back by its holder, until no screen can still show a number that we do not know of.
-- Beat and backlog are looked at once a second; between, they are what they were.
local LOOK_EVERY = 1000
local function pool_state(pool, state, events, run, now, hold, backlog)
  local known, till, looked, beat, behind =
    unpack(redis.call('HMGET', state, 'run', 'recovering', 'looked', 'beat', 'behind'))
  if not known then return nil end
  if known ~= run then
    till = now + longest(hold)
    redis.call('HSET', state, 'run', run, 'recovering', till)
  end
  till = tonumber(till or 0)
  looked = tonumber(looked or 0)
  if now - looked >= LOOK_EVERY or now < looked then
    beat, behind = slack_beat(pool, now), redis.call('XLEN', events) >= backlog and '1' or '0'
    redis.call('HSET', state, 'looked', now, 'beat', beat, 'behind', behind)
  end
  return { recovering = till > now and till or 0, beat = tonumber(beat), behind = behind == '1' }
end
