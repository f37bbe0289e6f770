import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { NavLink, useLocation } from 'react-router';
import { may } from '../api/session';
import type { Permission } from '../api/views';
import { useStore } from '../base/store';
import { isUnacknowledged, openAlarms } from '../live/alarms';
import { Icon } from '../parts/icon';
import { PriorityMark } from '../parts/mark';

const ENTRIES = [
  { name: 'overview', path: '/', needs: 'view' },
  { name: 'network', path: '/network', needs: 'view' },
  { name: 'trends', path: '/trends', needs: 'view' },
  { name: 'alarms', path: '/alarms', needs: 'view' },
  { name: 'commands', path: '/commands', needs: 'view' },
  { name: 'links', path: '/links', needs: 'view' },
  { name: 'quality', path: '/quality', needs: 'view' },
  { name: 'explore', path: '/explore', needs: 'view' },
  { name: 'weather', path: '/weather', needs: 'view' },
  { name: 'devices', path: '/devices', needs: 'view' },
  { name: 'ledger', path: '/ledger', needs: 'view' },
  { name: 'interfaces', path: '/interfaces', needs: 'view' },
  { name: 'keeping', path: '/keeping', needs: 'view' },
  { name: 'governance', path: '/governance', needs: 'view' },
  { name: 'personal', path: '/personal', needs: ['reveal_personal', 'keep_privacy', 'manage_users', 'audit'] },
  { name: 'system', path: '/system', needs: 'view' },
  { name: 'security', path: '/security', needs: 'watch' },
  { name: 'users', path: '/users', needs: 'manage_users' },
  { name: 'audit', path: '/audit', needs: 'audit' },
] as const satisfies readonly { name: string; path: string; needs: Permission | readonly Permission[] }[];

/** How many of the entries a phone's bottom bar holds. */
const ON_PHONE = 4;

function AlarmBadge() {
  const alarms = useStore(openAlarms);
  const unseen = [...alarms.values()].filter(isUnacknowledged);
  if (unseen.length === 0) return null;
  const worst = Math.min(...unseen.map((alarm) => alarm.priority));
  return (
    <span className="nav-badge" data-testid="nav-unacknowledged" data-count={unseen.length}>
      <PriorityMark priority={worst} count={unseen.length} size={18} flash />
    </span>
  );
}

export function Nav() {
  const { t } = useTranslation();
  const { pathname } = useLocation();
  const [wide, setWide] = useState('');
  const entries = ENTRIES.filter((entry) => [entry.needs].flat().some(may));
  const opened = wide === pathname;
  return (
    <nav className={`nav${opened ? ' opened' : ''}`} aria-label={t('nav.label')}>
      {entries.map((entry, at) => (
        <NavLink
          key={entry.name}
          to={entry.path}
          end={entry.path === '/'}
          className={at >= ON_PHONE ? 'second' : ''}
          data-testid={`nav-${entry.name}`}
          onClick={() => setWide('')}
        >
          <Icon name={entry.name} />
          <span>{t(`nav.${entry.name}`)}</span>
          {entry.name === 'alarms' && <AlarmBadge />}
        </NavLink>
      ))}
      <button
        type="button"
        className="nav-more"
        aria-expanded={opened}
        data-testid="nav-more"
        onClick={() => setWide(opened ? '' : pathname)}
      >
        <Icon name="more" />
        <span>{t('nav.more')}</span>
      </button>
    </nav>
  );
}
