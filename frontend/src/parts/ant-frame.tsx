import { ConfigProvider, theme } from 'antd';
import en from 'antd/locale/en_US';
import zh from 'antd/locale/zh_CN';
import type { ReactNode } from 'react';
import { useStore } from '../base/store';
import { colour, isDark, themeChoice } from '../base/theme';
import { language } from '../i18n';

/** Gives the component library the colours and sizes of these screens. */
export function AntFrame({ children }: { children: ReactNode }) {
  const lang = useStore(language);
  const choice = useStore(themeChoice);
  const dark = isDark();
  return (
    <ConfigProvider
      key={choice}
      locale={lang === 'zh' ? zh : en}
      theme={{
        algorithm: dark ? theme.darkAlgorithm : theme.defaultAlgorithm,
        token: {
          colorPrimary: dark ? '#7fa6b8' : '#2f5266',
          colorBgContainer: colour('field'),
          colorBgElevated: colour('panel'),
          colorBorder: colour('line-2'),
          colorText: colour('ink'),
          colorTextPlaceholder: colour('ink-3'),
          borderRadius: 6,
          controlHeight: 34,
          fontFamily: 'inherit',
          wireframe: false,
          motion: !window.matchMedia('(prefers-reduced-motion: reduce)').matches,
        },
      }}
    >
      {children}
    </ConfigProvider>
  );
}
