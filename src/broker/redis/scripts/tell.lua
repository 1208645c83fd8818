-- A state that does not end a task: stored and told while its message is leased and not settled, by who holds it. A stored SUCCESS stays.
-- KEYS 1 epoch, 2 lanes (hash)
-- ARGV 1 lane, 2 position, 3 key of the lane's notes, then per state: db, key, value, ttl ms (0 = for ever)
-- Reply 'lost' | 'ok'
if redis.call('EXISTS', KEYS[1]) == 0 then return 'lost' end
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 or redis.call('SISMEMBER', ARGV[3], ARGV[2]) == 1 then return 'ok' end
for i = 4, #ARGV, 4 do
  local key, value, ttl = ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  redis.call('SELECT', ARGV[i])
  local start = redis.call('GETRANGE', key, 0, 19)
  if start ~= '{"status": "SUCCESS"' and start ~= '{"status":"SUCCESS",' then
    if ttl == '0' then redis.call('SET', key, value) else redis.call('SET', key, value, 'PX', ttl) end
    redis.call('PUBLISH', key, value)
  end
end
return 'ok'
