/** What surrounds every page: the navigation, the line that owns up to a lost connection, and the news. */
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import { NavLink, Outlet, ScrollRestoration, useLocation, useNavigate } from 'react-router'
import { currentKey, onChange, signOut } from '@/api/key'
import { useT } from '@/i18n'
import { DraftCount } from '@/parts/DraftCount'
import { paths } from '@/paths'
import { Icon } from '@/ui/Icon'
import { Menu } from '@/ui/Menu'
import { Toasts } from '@/ui/Toast'
import styles from './Frame.module.css'
import { Mark } from './Mark'
import { Offline } from './Offline'
import { PLACES } from './places'
import { ShortcutHelp } from './ShortcutHelp'
import { useShortcuts } from './useShortcuts'

export function Frame() {
  const t = useT()
  const navigate = useNavigate()
  const { pathname, search } = useLocation()
  const key = useSyncExternalStore(onChange, currentKey)
  const [help, setHelp] = useState(false)
  useShortcuts(useCallback(() => setHelp(true), []))
  useEffect(() => {
    if (!key)
      navigate(paths.login(pathname === '/' && !search ? undefined : pathname + search), { replace: true })
  }, [key, navigate, pathname, search])
  if (!key) return null
  return (
    <div className={styles.frame}>
      <a href="#main" className={styles.skip}>
        {t.frame.skip}
      </a>
      <header className={styles.rail}>
        <NavLink to={paths.overview()} className={styles.product} end>
          <Mark />
          <span>{t.frame.product}</span>
        </NavLink>
        <nav aria-label={t.frame.navigation} className={styles.places}>
          {PLACES.map(({ name, to, icon, seldom }) => (
            <NavLink key={name} to={to} end={to === '/'} className={styles.place} data-seldom={seldom}>
              <Icon name={icon} size={18} />
              <span>{t.places[name]}</span>
              {name === 'datasets' && <DraftCount />}
            </NavLink>
          ))}
        </nav>
        <div className={styles.more}>
          <Menu
            label={t.shared.more}
            items={PLACES.filter((place) => place.seldom).map(({ name, to }) => ({
              label: t.places[name],
              onSelect: () => navigate(to),
            }))}
          />
        </div>
        <div className={styles.below}>
          <button type="button" className={styles.place} onClick={() => setHelp(true)}>
            <span aria-hidden="true" className={styles.question}>
              ?
            </span>
            <span>{t.frame.help}</span>
          </button>
          <button type="button" className={styles.place} onClick={signOut}>
            <Icon name="out" size={18} />
            <span>{t.frame.signOut}</span>
          </button>
        </div>
      </header>
      <main id="main" className={styles.main} tabIndex={-1}>
        <Offline />
        <Outlet />
      </main>
      <Toasts />
      {help && <ShortcutHelp onClose={() => setHelp(false)} />}
      <ScrollRestoration />
    </div>
  )
}
