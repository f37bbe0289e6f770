import { Suspense, lazy } from 'react';
import { useTranslation } from 'react-i18next';
import { BrowserRouter, Link, Route, Routes } from 'react-router';
import { withWords } from './i18n';
import { OverviewPage } from './pages/overview/page';
import { Bones } from './parts/states';
import { Shell } from './shell/shell';
import './styles/shell.css';

const SubstationPage = lazy(() => withWords(['commands'], import('./pages/substation/page')));
const NetworkPage = lazy(() => withWords(['network', 'commands'], import('./pages/network/page')));
const TrendsPage = lazy(() => import('./pages/trends/page'));
const AlarmsPage = lazy(() => import('./pages/alarms/page'));
const CommandsPage = lazy(() => withWords(['commands'], import('./pages/commands/page')));
const UsersPage = lazy(() => import('./pages/users/page'));
const AuditPage = lazy(() => withWords(['audit'], import('./pages/audit/page')));
const DevicesPage = lazy(() => withWords(['devices'], import('./pages/devices/page')));
const DevicePage = lazy(() => withWords(['devices'], import('./pages/devices/detail')));
const LinksPage = lazy(() => withWords(['links'], import('./pages/links/page')));
const QualityPage = lazy(() => withWords(['quality'], import('./pages/quality/page')));
const ExplorePage = lazy(() => withWords(['explore'], import('./pages/explore/page')));
const WeatherPage = lazy(() => withWords(['weather'], import('./pages/weather/page')));
const ForecastPage = lazy(() => withWords(['forecast'], import('./pages/forecast/page')));
const SupervisionPage = lazy(() => withWords(['forecast', 'supervision'], import('./pages/supervision/page')));
const ModelsPage = lazy(() => withWords(['models'], import('./pages/models/page')));
const ModelPage = lazy(() => withWords(['models'], import('./pages/models/detail')));
const DispatchPage = lazy(() => withWords(['dispatch', 'commands'], import('./pages/dispatch/page')));
const SavingsPage = lazy(() => withWords(['savings'], import('./pages/savings/page')));
const StrategyPage = lazy(() => withWords(['strategy'], import('./pages/strategy/page')));
const KeepingPage = lazy(() => withWords(['keeping'], import('./pages/keeping/page')));
const InterfacesPage = lazy(() => withWords(['interfaces'], import('./pages/interfaces/page')));
const GovernancePage = lazy(() => withWords(['governance'], import('./pages/governance/page')));
const PersonalPage = lazy(() => withWords(['personal'], import('./pages/personal/page')));
const SecurityPage = lazy(() => withWords(['security'], import('./pages/security/page')));
const LedgerPage = lazy(() => import('./pages/ledger/page'));
const SystemPage = lazy(() => import('./pages/system/page'));
const AccountPage = lazy(() => withWords(['account'], import('./pages/account/page')));
const PasswordPage = lazy(() => import('./pages/signin/password-page'));

function Nowhere() {
  const { t } = useTranslation();
  return (
    <div className="page">
      <p className="empty">
        {t('nowhere')} <Link to="/">{t('nav.overview')}</Link>
      </p>
    </div>
  );
}

function Waiting() {
  return (
    <div className="page">
      <Bones height={320} />
    </div>
  );
}

export default function App() {
  return (
    <BrowserRouter>
      <Shell>
        <Suspense fallback={<Waiting />}>
          <Routes>
            <Route path="/" element={<OverviewPage />} />
            <Route path="/substations/:code" element={<SubstationPage />} />
            <Route path="/network" element={<NetworkPage />} />
            <Route path="/trends" element={<TrendsPage />} />
            <Route path="/alarms" element={<AlarmsPage />} />
            <Route path="/commands" element={<CommandsPage />} />
            <Route path="/users" element={<UsersPage />} />
            <Route path="/audit" element={<AuditPage />} />
            <Route path="/devices" element={<DevicesPage />} />
            <Route path="/devices/:serial" element={<DevicePage />} />
            <Route path="/links" element={<LinksPage />} />
            <Route path="/quality" element={<QualityPage />} />
            <Route path="/explore" element={<ExplorePage />} />
            <Route path="/weather" element={<WeatherPage />} />
            <Route path="/forecast" element={<ForecastPage />} />
            <Route path="/supervision" element={<SupervisionPage />} />
            <Route path="/models" element={<ModelsPage />} />
            <Route path="/models/:unit" element={<ModelPage />} />
            <Route path="/dispatch" element={<DispatchPage />} />
            <Route path="/strategy" element={<StrategyPage />} />
            <Route path="/savings" element={<SavingsPage />} />
            <Route path="/keeping" element={<KeepingPage />} />
            <Route path="/interfaces" element={<InterfacesPage />} />
            <Route path="/governance" element={<GovernancePage />} />
            <Route path="/personal" element={<PersonalPage />} />
            <Route path="/security" element={<SecurityPage />} />
            <Route path="/ledger" element={<LedgerPage />} />
            <Route path="/system" element={<SystemPage />} />
            <Route path="/password" element={<PasswordPage />} />
            <Route path="/account" element={<AccountPage />} />
            <Route path="*" element={<Nowhere />} />
          </Routes>
        </Suspense>
      </Shell>
    </BrowserRouter>
  );
}
