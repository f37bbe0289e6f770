import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { NavLink, useLocation } from 'react-router';
import { may } from '../api/session';
import type { Permission } from '../api/views';
import { useStore } from '../base/store';
import { isUnacknowledged, openAlarms } from '../live/alarms';
import { Icon } from '../parts/icon';
import { PriorityMark } from '../parts/mark';

/** Where one can go, by what one is after. */
const GROUPS = [
  {
    name: 'operation',
    entries: [
      { name: 'overview', path: '/', needs: 'view' },
      { name: 'network', path: '/network', needs: 'view' },
      { name: 'trends', path: '/trends', needs: 'view' },
      { name: 'alarms', path: '/alarms', needs: 'view' },
      { name: 'commands', path: '/commands', needs: 'view' },
      { name: 'supervision', path: '/supervision', needs: 'view' },
    ],
  },
  {
    name: 'decision',
    entries: [
      { name: 'weather', path: '/weather', needs: 'view' },
      { name: 'forecast', path: '/forecast', needs: 'view' },
      { name: 'strategy', path: '/strategy', needs: 'view' },
      { name: 'dispatch', path: '/dispatch', needs: 'view' },
      { name: 'models', path: '/models', needs: 'view' },
      { name: 'savings', path: '/savings', needs: 'view' },
    ],
  },
  {
    name: 'data',
    entries: [
      { name: 'explore', path: '/explore', needs: 'view' },
      { name: 'quality', path: '/quality', needs: 'view' },
      { name: 'links', path: '/links', needs: 'view' },
      { name: 'devices', path: '/devices', needs: 'view' },
      { name: 'ledger', path: '/ledger', needs: 'view' },
      { name: 'interfaces', path: '/interfaces', needs: 'view' },
      { name: 'keeping', path: '/keeping', needs: 'view' },
      { name: 'governance', path: '/governance', needs: 'view' },
    ],
  },
  {
    name: 'administration',
    entries: [
      { name: 'personal', path: '/personal', needs: ['reveal_personal', 'keep_privacy', 'manage_users', 'audit'] },
      { name: 'system', path: '/system', needs: 'view' },
      { name: 'security', path: '/security', needs: 'watch' },
      { name: 'users', path: '/users', needs: 'manage_users' },
      { name: 'audit', path: '/audit', needs: 'audit' },
    ],
  },
] as const satisfies readonly {
  name: string;
  entries: readonly { name: string; path: string; needs: Permission | readonly Permission[] }[];
}[];

/** What a phone's bottom bar holds; the rest opens above it. */
const ON_PHONE: readonly string[] = ['overview', 'network', 'trends', 'alarms'];

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
  const box = useRef<HTMLElement>(null);
  const opened = wide === pathname;
  // The rail may be longer than the window: where one is has to be in sight.
  useEffect(() => {
    box.current?.querySelector('a.active')?.scrollIntoView({ block: 'nearest' });
  }, [pathname]);
  return (
    <nav
      ref={box}
      className={`nav${opened ? ' opened' : ''}`}
      aria-label={t('nav.label')}
      onKeyDown={(event) => event.key === 'Escape' && setWide('')}
    >
      <div className="nav-groups" id="nav-groups">
        {GROUPS.map((group) => {
          const entries = group.entries.filter((entry) => [entry.needs].flat().some(may));
          if (entries.length === 0) return null;
          return (
            <div className="nav-group" role="group" aria-labelledby={`nav-group-${group.name}`} key={group.name}>
              <span className="nav-heading" id={`nav-group-${group.name}`}>
                {t(`nav.groups.${group.name}`)}
              </span>
              {entries.map((entry) => (
                <NavLink
                  key={entry.name}
                  to={entry.path}
                  end={entry.path === '/'}
                  className={ON_PHONE.includes(entry.name) ? 'first' : ''}
                  data-testid={`nav-${entry.name}`}
                  onClick={() => setWide('')}
                >
                  <Icon name={entry.name} />
                  <span>{t(`nav.${entry.name}`)}</span>
                  {entry.name === 'alarms' && <AlarmBadge />}
                </NavLink>
              ))}
            </div>
          );
        })}
      </div>
      <button
        type="button"
        className="nav-more"
        aria-expanded={opened}
        aria-controls="nav-groups"
        data-testid="nav-more"
        onClick={() => setWide(opened ? '' : pathname)}
      >
        <Icon name="more" />
        <span>{t('nav.more')}</span>
      </button>
    </nav>
  );
}
