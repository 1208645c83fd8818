-- Stores results as Celery does, and tells who waits. A stored SUCCESS stays. Of results that name their try (protocol/try.ts), the first final
-- state of a life stays, and a lower try changes nothing that a higher one wrote (results/standing.ts has the same rule).
-- KEYS result keys   ARGV per key: json, ttl ms (0 = for ever)
-- Reply per key: the final state of the same life that stands in its place, or an empty text
local FIELD = ', "celerity_try": "(%d+) ([%w._-]+)"}$'
local FINAL = { ['{"status": "SUCCESS"'] = true, ['{"status": "FAILURE"'] = true, ['{"status": "REVOKED"'] = true }

local function standing(key, json)
  local start = redis.call('GETRANGE', key, 0, 19)
  if start == '' then return false end
  local try, life = string.match(string.sub(json, -100), FIELD)
  if life then
    local before, of = string.match(redis.call('GETRANGE', key, -100, -1), FIELD)
    if of == life then
      if FINAL[start] then
        local stored = redis.call('GET', key)
        return true, stored ~= json and stored or nil -- the same one was sent twice
      end
      if tonumber(before) > tonumber(try) then return true end
    end
  end
  return start == '{"status": "SUCCESS"' or start == '{"status":"SUCCESS",'
end

local reply = {}
for i, key in ipairs(KEYS) do
  local json, ttl = ARGV[2 * i - 1], ARGV[2 * i]
  local stays, ended = standing(key, json)
  if not stays then
    if ttl == '0' then redis.call('SET', key, json) else redis.call('SET', key, json, 'PX', ttl) end
    redis.call('PUBLISH', key, json)
  end
  reply[i] = ended or ''
end
return reply
