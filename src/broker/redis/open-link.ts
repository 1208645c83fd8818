/** A connection as the options of the broker say. */
import { type LinkOptions, RedisLink } from '../../redis/link.js'
import type { BrokerOptions } from '../options.js'

export function openLink(url: string, { deadlineMs, log, outages, keyPrefix }: BrokerOptions, more: Partial<LinkOptions> = {}): RedisLink {
  return new RedisLink(url, { deadlineMs, log, outages, keyPrefix, unreachable: 'E_BROKER_UNREACHABLE', ...more })
}
