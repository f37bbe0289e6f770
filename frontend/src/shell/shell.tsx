import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { info } from '../api/session';
import { useStore } from '../base/store';
import { setClock } from '../live/clock';
import { closeStream, useStream } from '../live/stream';
import { Annunciator } from './annunciator';
import { DemoBar } from './demo-bar';
import { Header } from './header';
import { Nav } from './nav';
import { startSound } from './sound';

/** The frame of every page: plant time, the worst alarm, where one can go. */
export function Shell({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const told = useStore(info);
  const [demoOpen, setDemoOpen] = useState(false);
  useStream(null);
  useEffect(() => {
    const first = info.get();
    if (first) setClock(first.plant_time, first.speed, first.demo);
    const quiet = startSound();
    return () => {
      quiet();
      closeStream();
    };
  }, []);
  return (
    <div className="shell">
      <a className="skip" href="#main">
        {t('skip')}
      </a>
      <Header demoOpen={demoOpen} onDemo={() => setDemoOpen(!demoOpen)} />
      {told?.demo && demoOpen && <DemoBar />}
      <Annunciator />
      <div className="shell-body">
        <Nav />
        <main id="main" className="shell-main" tabIndex={-1}>
          {children}
        </main>
      </div>
    </div>
  );
}
