import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { may } from '../api/session';
import { useStore } from '../base/store';
import { showTime } from '../base/time';
import { acknowledge, byUrgency, isUnacknowledged, openAlarms } from '../live/alarms';
import { Icon } from '../parts/icon';
import { PriorityMark } from '../parts/mark';
import { sayProblem } from '../parts/toast';
import { alarmPlace, alarmText } from './alarm-place';
import { silence, silenced, soundChoice, sounding } from './sound';

/** The most urgent alarm nobody has acknowledged, on every page. */
export function Annunciator() {
  const { t } = useTranslation();
  const alarms = useStore(openAlarms);
  useStore(silenced);
  useStore(soundChoice);
  const unseen = [...alarms.values()].filter(isUnacknowledged).sort(byUrgency);
  const worst = unseen[0];
  if (!worst || worst.priority > 2) return null;
  return (
    <div className={`annunciator p${worst.priority}`} role="alert" data-testid="annunciator">
      <PriorityMark priority={worst.priority} flash />
      <Link to={alarmPlace(worst)} className="annunciator-text">
        <strong>{alarmText(worst)}</strong>
      </Link>
      <time className="hide-phone small">{showTime(worst.onset)}</time>
      {unseen.length > 1 && (
        <Link to="/alarms" className="small hide-phone">
          {t('alarm.more', { count: unseen.length - 1 })}
        </Link>
      )}
      <span className="grow" />
      {sounding() !== null && (
        <button type="button" className="btn tiny" data-testid="silence" onClick={silence}>
          <Icon name="mute" size={16} /> {t('sound.silence')}
        </button>
      )}
      {may('acknowledge') && (
        <button
          type="button"
          className="btn tiny"
          data-testid="annunciator-ack"
          onClick={() => void acknowledge(worst.id).catch(sayProblem)}
        >
          <Icon name="check" size={16} /> {t('alarm.acknowledge')}
        </button>
      )}
    </div>
  );
}
