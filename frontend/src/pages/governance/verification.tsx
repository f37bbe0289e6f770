import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { ErrorStatistics, VerificationTask } from '../../api/governance-views';
import { may } from '../../api/session';
import { showNumber, showUnit } from '../../base/format';
import { problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { Loaded } from '../../parts/states';
import { say } from '../../parts/toast';
import { TaskSheet } from './task';

/** Readings taken in the field against what was uploaded. */
export function Verification() {
  const { t } = useTranslation();
  const [opened, setOpened] = useState('');
  const tasks = useResource(
    () => got(api.GET('/api/v1/verification/tasks', { params: { query: { page: 1, size: 50 } } })),
    [],
  );
  const figures = useResource(() => got(api.GET('/api/v1/verification/statistics')), []);
  const draw = async () => {
    try {
      const made = await got(
        api.POST('/api/v1/verification/tasks', {
          body: { name: t('governance.byHand'), asset: '', kinds: [], points: 10, days_to_answer: 7 },
        }),
      );
      setOpened(made.id);
      tasks.reload();
    } catch (error) {
      say(problemText(error));
    }
  };
  const columns: Column<VerificationTask>[] = [
    {
      name: 'name',
      label: t('governance.task'),
      cell: (row) => (
        <button type="button" className="btn tiny" data-testid={`task-${row.id}`} onClick={() => setOpened(row.id)}>
          {row.name}
        </button>
      ),
    },
    { name: 'made', label: t('governance.made'), cell: (row) => showTime(row.made, 'minute') },
    {
      name: 'due',
      label: t('governance.due'),
      cell: (row) => (
        <>
          {showTime(row.due, 'minute')} {row.overdue && <span className="tag raised">{t('governance.overdue')}</span>}
        </>
      ),
    },
    { name: 'read', label: t('governance.read'), num: true, cell: (row) => `${row.read} / ${row.points}` },
    { name: 'failed', label: t('governance.failed'), num: true, cell: (row) => row.failed },
    { name: 'state', label: t('governance.state'), cell: (row) => t(`governance.taskState.${row.state as 'open'}`) },
  ];
  const kinds: Column<ErrorStatistics>[] = [
    { name: 'kind', label: t('governance.kind'), cell: (row) => named(row) },
    { name: 'n', label: t('governance.readings'), num: true, cell: (row) => row.readings },
    { name: 'bias', label: t('governance.bias'), num: true, cell: (row) => `${showNumber(row.bias, 2)} ${showUnit(row.unit)}` },
    { name: 'p95', label: t('governance.p95'), num: true, cell: (row) => `${showNumber(row.p95, 2)} ${showUnit(row.unit)}` },
    { name: 'tolerance', label: t('governance.tolerance'), num: true, cell: (row) => `${showNumber(row.tolerance, 2)} ${showUnit(row.unit)}` },
    { name: 'within', label: t('governance.agree'), num: true, cell: (row) => `${showNumber(row.within_pct, 1)} %` },
  ];
  return (
    <>
      <section className="panel" data-testid="verification">
        <header>
          <h2>{t('governance.tab.verification')}</h2>
          <span className="grow" />
          {may('keep_devices') && (
            <button type="button" className="btn" data-testid="task-new" onClick={() => void draw()}>
              {t('governance.draw')}
            </button>
          )}
        </header>
        <Loaded of={tasks} height={120}>
          {(data) => (
            <Grid columns={columns} rows={data.items} rowKey={(row) => row.id} empty={t('governance.noTasks')} caption={t('governance.tab.verification')} />
          )}
        </Loaded>
      </section>
      <section className="panel">
        <header>
          <h2>{t('governance.errors')}</h2>
        </header>
        <Loaded of={figures} height={120}>
          {(data) => (
            <Grid columns={kinds} rows={data.kinds} rowKey={(row) => row.kind} empty={t('governance.noReadings')} caption={t('governance.errors')} />
          )}
        </Loaded>
      </section>
      {opened && (
        <TaskSheet
          id={opened}
          onClose={() => {
            setOpened('');
            tasks.reload();
            figures.reload();
          }}
        />
      )}
    </>
  );
}
