import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useLocation } from 'react-router';
import { may } from '../../api/session';
import type { PointView, StationView } from '../../api/views';
import { showNumber, showUnit } from '../../base/format';
import { useMedia } from '../../base/media';
import { useStore } from '../../base/store';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { openAlarms, worstBySubject } from '../../live/alarms';
import { Icon } from '../../parts/icon';
import { PriorityMark } from '../../parts/mark';
import { LiveValue, usePoint } from '../../parts/value';
import { SetpointSheet } from './setpoint';

function When({ point }: { point: PointView }) {
  return <span className="small faint">{showTime(usePoint(point).at)}</span>;
}

/** Every point of the station by name and code, with its value. */
export function PointTable({ station }: { station: StationView }) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const [open, setOpen] = useState<PointView | null>(null);
  const { hash } = useLocation();
  const marked = decodeURIComponent(hash.slice(1));
  const worst = worstBySubject(useStore(openAlarms));
  useEffect(() => {
    if (marked) document.getElementById(`point-${marked}`)?.scrollIntoView({ block: 'center' });
  }, [marked]);
  const words = text.trim().toLowerCase();
  const narrow = useMedia('(max-width: 720px)');
  const [unfolded, setUnfolded] = useState(false);
  const folded = narrow && !unfolded && !marked && words === '';
  const shown = station.points.filter((point) =>
    [point.code, point.zh, point.en].some((name) => name.toLowerCase().includes(words)),
  );
  const labels = {
    name: t('points.name'),
    value: t('points.value'),
    range: t('points.range'),
    at: t('points.at'),
  };
  return (
    <section className="panel" aria-label={t('points.title')}>
      <header>
        <h2>{t('points.title')}</h2>
        <span className="faint small">{t('points.count', { count: shown.length })}</span>
        <span className="grow" />
        <label className="search">
          <Icon name="search" size={18} />
          <span className="hidden-label">{t('points.search')}</span>
          <input
            className="input"
            type="search"
            placeholder={t('points.search')}
            value={text}
            data-testid="points-search"
            onChange={(event) => setText(event.target.value)}
          />
        </label>
      </header>
      {folded && (
        <div className="body">
          <button type="button" className="btn" data-testid="points-show" onClick={() => setUnfolded(true)}>
            {t('points.show')}
          </button>
        </div>
      )}
      <div className="table-wrap points-wrap" hidden={folded}>
        <table className="grid-table cards">
          <caption className="hidden-label">{t('points.title')}</caption>
          <thead>
            <tr>
              <th scope="col">{labels.name}</th>
              <th scope="col" className="num">
                {labels.value}
              </th>
              <th scope="col" className="num">
                {labels.range}
              </th>
              <th scope="col">{labels.at}</th>
              <th scope="col">
                <span className="hidden-label">{t('points.more')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((point) => {
              const alarm = worst.get(point.code);
              return (
                <tr key={point.code} id={`point-${point.code}`} className={marked === point.code ? 'marked' : ''}>
                  <td data-label={labels.name}>
                    <div className="cell">
                      {named(point)} <div className="code">{point.code}</div>
                    </div>
                  </td>
                  <td data-label={labels.value} className="num">
                    <div className="cell">
                      {alarm && <PriorityMark priority={alarm.priority} size={16} />}{' '}
                      <LiveValue point={point} testid={`point-value-${point.code}`} />
                    </div>
                  </td>
                  <td data-label={labels.range} className="num">
                    <div className="cell small faint">
                      {point.low === null && point.high === null
                        ? '–'
                        : `${showNumber(point.low, 0)} … ${showNumber(point.high, 0)} ${showUnit(point.unit)}`}
                    </div>
                  </td>
                  <td data-label={labels.at}>
                    <div className="cell">
                      <When point={point} />
                    </div>
                  </td>
                  <td data-label="">
                    <div className="cell row-actions">
                      {point.access === 'rw' && may('command') && (
                        <button
                          type="button"
                          className="btn plain tiny"
                          aria-label={t('setpoint.change', { name: named(point) })}
                          data-testid={`point-set-${point.code}`}
                          onClick={() => setOpen(point)}
                        >
                          <Icon name="edit" size={15} />
                        </button>
                      )}
                      <Link
                        className="btn plain tiny"
                        to={`/trends?points=${point.code}`}
                        aria-label={t('points.trend', { name: named(point) })}
                      >
                        <Icon name="trends" size={16} />
                      </Link>
                    </div>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {open && <SetpointSheet point={open} onClose={() => setOpen(null)} />}
    </section>
  );
}
