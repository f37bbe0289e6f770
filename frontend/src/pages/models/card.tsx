import { useTranslation } from 'react-i18next';
import type { ModelVersion } from '../../api/model-views';
import { showNumber } from '../../base/format';
import { showTime } from '../../base/time';
import { Figure } from '../../parts/figure';
import { doubtText, listOf, numberOf, stageText, textsOf } from './words';

function Held({ label, value, digits, unit }: { label: string; value: number | null; digits: number; unit: string }) {
  if (value === null) return null;
  return (
    <Figure label={label}>
      {showNumber(value, digits)} <small>{unit}</small>
    </Figure>
  );
}

/** What is known of one version: data, sensors, figures, errors, lineage. */
export function Card({ version }: { version: ModelVersion }) {
  const { t } = useTranslation();
  const { card, model } = version;
  const used = listOf(card, 'sensors_used');
  const rejected = textsOf(card, 'sensors_rejected');
  const of = (...path: string[]) => numberOf(card, 'characteristics', ...path);
  return (
    <div data-testid={`model-card-${version.version}`}>
      <p className="small muted panel-text">
        {t('models.versionN', { n: version.version })} · {stageText(t, version.stage)} ·{' '}
        {t(version.learned ? 'models.isLearned' : 'models.isDesign')} ·{' '}
        {version.data_from
          ? t('models.dataBetween', { from: showTime(version.data_from, 'minute'), until: showTime(version.data_until, 'minute') })
          : t('models.dataUntil', { until: showTime(version.data_until, 'minute') })}
      </p>
      <dl className="figures">
        <Held label={t('models.fitError')} value={numberOf(card, 'fit_rmse_k')} digits={2} unit="K" />
        <Held label={t('models.roomOut')} value={numberOf(model, 'room_out_kw_k')} digits={2} unit="kW/K" />
        <Held label={t('models.wallOut')} value={numberOf(model, 'wall_out_kw_k')} digits={2} unit="kW/K" />
        <Held label={t('models.roomWall')} value={numberOf(model, 'room_wall_kw_k')} digits={2} unit="kW/K" />
        <Held label={t('models.gain')} value={numberOf(model, 'gain_kw')} digits={1} unit="kW" />
        <Held label={t('models.sun')} value={numberOf(model, 'sun_m2')} digits={0} unit="m²" />
        <Held label={t('models.emitters')} value={numberOf(model, 'design_heat_kw')} digits={0} unit="kW" />
        <Held label={t('models.curveSupply')} value={of('curve', 'design', 'supply_c')} digits={1} unit="°C" />
        <Held label={t('models.curveReturn')} value={of('curve', 'design', 'return_c')} digits={1} unit="°C" />
        <Held label={t('models.curveExponent')} value={of('curve', 'design', 'exponent_b')} digits={2} unit="" />
        <Held label={t('models.valve')} value={of('valve', 'kvs_m3h')} digits={1} unit="m³/h" />
        <Held label={t('models.exchanger')} value={of('exchanger', 'ua_kw_k')} digits={1} unit="kW/K" />
        <Held label={t('models.fouling')} value={of('exchanger', 'trend_pct_month')} digits={1} unit={t('models.pctMonth')} />
      </dl>
      <ul className="plain-list small">
        <li>
          {card['rooms'] === 'unseen'
            ? t('models.roomsUnseen')
            : t('models.sensorsUsed', { n: used.length, names: used.join(', ') || '–' })}
        </li>
        {rejected.map(([name, why]) => (
          <li key={name}>
            {t('models.sensorNot', { name })} <span className="muted">{doubtText(t, why)}</span>
          </li>
        ))}
        <li className="muted">
          {version.parent > 0 && t('models.parent', { parent: version.parent })}
          {version.digest && t('models.digest', { digest: version.digest.slice(0, 16) })}
        </li>
      </ul>
    </div>
  );
}
