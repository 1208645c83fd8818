-- The workers that are registered, and those whose last word is kept.
-- KEYS 1 registry, 2 times of notes, 3 notes   ARGV 1 prefix of epochs, 2 prefix of leases, 3 ms a note is kept
-- Reply {incarnation, registry entry or '', 1 its epoch and its lease stand | 0, note or '', age of the note in ms, …}
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local reply, seen = {}, {}
local function tell(incarnation, entry)
  local at = tonumber(redis.call('ZSCORE', KEYS[2], incarnation) or '')
  local fresh = at and now - at < tonumber(ARGV[3])
  if entry == '' and not fresh then return end
  local alive = entry ~= '' and redis.call('EXISTS', ARGV[1] .. incarnation, ARGV[2] .. incarnation) == 2
  reply[#reply + 1] = incarnation
  reply[#reply + 1] = entry
  reply[#reply + 1] = alive and 1 or 0
  reply[#reply + 1] = fresh and redis.call('HGET', KEYS[3], incarnation) or ''
  reply[#reply + 1] = fresh and now - at or 0
end
local registry = redis.call('HGETALL', KEYS[1])
for i = 1, #registry, 2 do
  seen[registry[i]] = true
  tell(registry[i], registry[i + 1])
end
for _, incarnation in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if not seen[incarnation] then tell(incarnation, '') end
end
return reply
