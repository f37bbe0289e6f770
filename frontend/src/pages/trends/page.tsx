import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { api, got } from '../../api/client';
import { info } from '../../api/session';
import type { Trends } from '../../api/views';
import { useMedia } from '../../base/media';
import { useResource } from '../../base/resource';
import { useStore } from '../../base/store';
import { plantClock, plantNow } from '../../live/clock';
import { AntFrame } from '../../parts/ant-frame';
import { Icon } from '../../parts/icon';
import { Segmented } from '../../parts/segmented';
import { Problem } from '../../parts/states';
import '../../styles/trends.css';
import Chart from './chart';
import { download, toCsv } from './csv';
import { CursorTable } from './cursor-table';
import { merge } from './merge';
import { Picker } from './picker';
import { PRESETS, type Preset, type Range, isPreset, presetRange } from './range';

const ROWS = 1500;

function readTrends(points: string, start: number, end: number): Promise<Trends> {
  const query = {
    points,
    start: new Date(start).toISOString(),
    end: new Date(end).toISOString(),
    step: 'auto' as const,
    max_points: ROWS,
  };
  return got(api.GET('/api/v1/trends', { params: { query } }));
}

/** Points and range live in the address: a trend can be sent as a link. */
function useAsked() {
  const [query, setQuery] = useSearchParams();
  const clock = useStore(plantClock);
  const points = query.get('points') ?? '';
  const preset = isPreset(query.get('range')) ? (query.get('range') as Preset) : '24h';
  const [turn, setTurn] = useState(0);
  const ready = clock !== null;
  const range = useMemo<Range>(
    () => presetRange(preset, Math.ceil((plantNow() ?? Date.now()) / 1000) * 1000),
    // Plant time moves all the while; the range only when asked to.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [preset, turn, ready],
  );
  const change = (name: string, value: string) => {
    const next = new URLSearchParams(query);
    if (value) next.set(name, value);
    else next.delete(name);
    setQuery(next, { replace: true });
  };
  return { points, range, ready, change, refresh: () => setTurn((old) => old + 1) };
}

function View({ coarse, range, onDrop }: { coarse: Trends; range: Range; onDrop: (code: string) => void }) {
  const { t } = useTranslation();
  const narrow = useMedia('(max-width: 720px)');
  const [at, setAt] = useState<number | null>(null);
  const [zoom, setZoom] = useState<{ start: number; end: number } | null>(null);
  const [fine, setFine] = useState<Trends>();
  const points = coarse.series.map((line) => line.point).join(',');
  useEffect(() => {
    setZoom(null);
    setFine(undefined);
  }, [points, range]);
  useEffect(() => {
    if (!zoom || coarse.step === 'raw') return undefined;
    let gone = false;
    readTrends(points, zoom.start, zoom.end).then(
      (answer) => !gone && setFine(answer),
      () => undefined,
    );
    return () => {
      gone = true;
    };
  }, [zoom, points, coarse.step]);
  const window_ = zoom ?? range;
  const shown = useMemo(
    () => merge(coarse, zoom ? fine : undefined, zoom?.start ?? 0, zoom?.end ?? 0),
    [coarse, fine, zoom],
  );
  const save = () => {
    const demo = info.get()?.demo ? '-DEMO' : '';
    download(`heatloop-trend${demo}-${shown.step}.csv`, toCsv(shown, window_.start, window_.end));
  };
  return (
    <>
      <div className="trend-bar">
        <span className="tag" data-testid="trend-step" data-step={shown.step}>
          {t('trends.step')} {t(`step.${shown.step as 'raw'}`)}
        </span>
        <span className="faint small hide-phone">{t('trends.help')}</span>
        <span className="grow" />
        <button type="button" className="btn tiny" data-testid="trend-csv" onClick={save}>
          <Icon name="download" size={16} /> CSV
        </button>
      </div>
      <Chart
        trends={shown}
        height={narrow ? 320 : 460}
        range={`${range.start} ${range.end}`}
        onZoom={(start, end) => setZoom({ start, end })}
        onCursor={setAt}
      />
      <CursorTable series={shown.series} at={at} start={window_.start} end={window_.end} onDrop={onDrop} />
    </>
  );
}

export default function TrendsPage() {
  const { t } = useTranslation();
  const { points, range, ready, change, refresh } = useAsked();
  const chosen = useMemo(() => points.split(',').filter(Boolean), [points]);
  const trends = useResource(
    () =>
      points && ready
        ? readTrends(points, range.start, range.end)
        : Promise.resolve<Trends>({ step: 'raw', thinned: false, series: [] }),
    [points, range, ready],
  );
  const known = new Map(trends.data?.series.map((line) => [line.point, line]));
  const choose = (codes: string[]) => change('points', codes.join(','));
  return (
    <AntFrame>
      <div className="page" data-testid="trends-page">
        <header className="page-head">
          <h1>{t('nav.trends')}</h1>
          <span className="grow" />
          <Segmented
            label={t('trends.range')}
            value={range.preset}
            choices={(Object.keys(PRESETS) as Preset[]).map((preset) => ({
              value: preset,
              label: t(`range.${preset}`),
            }))}
            onChoose={(preset) => change('range', preset)}
            testid="trend-range"
          />
          <button type="button" className="btn tiny" data-testid="trend-refresh" onClick={refresh}>
            <Icon name="refresh" size={16} /> {t('trends.refresh')}
          </button>
        </header>
        <Picker chosen={chosen} known={known} onChoose={choose} />
        <section className="panel trend-panel" aria-busy={trends.loading}>
          {trends.error !== undefined && <Problem error={trends.error} onRetry={trends.reload} />}
          {chosen.length === 0 ? (
            <p className="empty">{t('trends.none')}</p>
          ) : (
            trends.data &&
            trends.data.series.length > 0 && (
              <View
                coarse={trends.data}
                range={range}
                onDrop={(code) => choose(chosen.filter((each) => each !== code))}
              />
            )
          )}
        </section>
      </div>
    </AntFrame>
  );
}
