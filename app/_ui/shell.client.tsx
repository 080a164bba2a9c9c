'use client';
import { ActionIcon, Burger, Drawer, Menu, UnstyledButton } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { spotlight } from '@mantine/spotlight';
import {
  IconBell,
  IconCalendarStats,
  IconChartBar,
  IconChevronUp,
  IconDeviceDesktopPlus,
  IconHome2,
  IconFileCertificate,
  IconLayoutList,
  IconLogout2,
  IconSearch,
  IconShieldCheck,
  IconShieldSearch,
  IconSpeakerphone,
  IconStack2,
  IconSunrise,
} from '@tabler/icons-react';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { signOut } from 'next-auth/react';
import { type ReactNode, useEffect } from 'react';
import { BrandMark } from './brand-mark.tsx';
import { Search } from './search.client.tsx';
import classes from './shell.module.css';
import { ThemeSwitch } from './theme-switch.client.tsx';

interface NavItem {
  readonly href: string;
  readonly label: string;
  readonly icon: ReactNode;
  /** Paths that belong to this item beside its own. */
  readonly covers: readonly string[];
}

const STAFF_NAV: readonly NavItem[] = [
  { href: '/today', label: 'Today', icon: <IconSunrise size={18} stroke={1.7} />, covers: [] },
  {
    href: '/fleet',
    label: 'Fleet',
    icon: <IconLayoutList size={18} stroke={1.7} />,
    covers: ['/devices', '/runs', '/restore-points', '/customers'],
  },
  { href: '/alerts', label: 'Alerts', icon: <IconBell size={18} stroke={1.7} />, covers: [] },
  { href: '/drills', label: 'Drills', icon: <IconShieldCheck size={18} stroke={1.7} />, covers: [] },
  {
    href: '/integrity',
    label: 'Integrity',
    icon: <IconShieldSearch size={18} stroke={1.7} />,
    covers: [],
  },
  { href: '/sla', label: 'Service level', icon: <IconCalendarStats size={18} stroke={1.7} />, covers: [] },
  {
    href: '/reports',
    label: 'Reports',
    icon: <IconFileCertificate size={18} stroke={1.7} />,
    covers: ['/settings/reports'],
  },
  { href: '/usage', label: 'Usage', icon: <IconChartBar size={18} stroke={1.7} />, covers: [] },
  {
    href: '/settings/enrol',
    label: 'Add a device',
    icon: <IconDeviceDesktopPlus size={18} stroke={1.7} />,
    covers: [],
  },
  {
    href: '/settings/notifications',
    label: 'Notifications',
    icon: <IconSpeakerphone size={18} stroke={1.7} />,
    covers: [],
  },
  { href: '/settings/queues', label: 'Queues', icon: <IconStack2 size={18} stroke={1.7} />, covers: [] },
];
const CUSTOMER_NAV: readonly NavItem[] = [
  {
    href: '/home',
    label: 'Home',
    icon: <IconHome2 size={18} stroke={1.7} />,
    covers: ['/devices', '/runs', '/restore-points'],
  },
  { href: '/alerts', label: 'Alerts', icon: <IconBell size={18} stroke={1.7} />, covers: [] },
  {
    href: '/sla',
    label: 'Service level',
    icon: <IconCalendarStats size={18} stroke={1.7} />,
    covers: ['/customers'],
  },
  { href: '/reports', label: 'Reports', icon: <IconFileCertificate size={18} stroke={1.7} />, covers: [] },
  { href: '/usage', label: 'Usage', icon: <IconChartBar size={18} stroke={1.7} />, covers: [] },
  { href: '/proof', label: 'Proof', icon: <IconShieldCheck size={18} stroke={1.7} />, covers: ['/drills'] },
  {
    href: '/settings/notifications',
    label: 'Notifications',
    icon: <IconSpeakerphone size={18} stroke={1.7} />,
    covers: [],
  },
];

/** Navigation, search, theme and account around every signed-in screen. */
export function Shell({
  userName,
  userEmail,
  isStaff,
  children,
}: {
  userName: string;
  userEmail: string;
  isStaff: boolean;
  children: ReactNode;
}): ReactNode {
  const [isMenuOpen, menu] = useDisclosure(false);
  const path = usePathname();
  const { close: closeMenu } = menu;
  useEffect(() => {
    closeMenu();
    // The drawer closes when the page changes, whichever link did it.
  }, [path, closeMenu]);

  const side = (
    <>
      <NavList items={isStaff ? STAFF_NAV : CUSTOMER_NAV} path={path} />
      <div className={classes.foot}>
        <ThemeSwitch />
        <Account name={userName} email={userEmail} />
      </div>
    </>
  );
  return (
    <div className={classes.frame}>
      <a href="#content" className={classes.skip}>
        Skip to the content
      </a>
      <header className={classes.top}>
        <Burger opened={isMenuOpen} onClick={menu.toggle} size="sm" aria-label="Menu" />
        <Brand isStaff={isStaff} />
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label="Search" onClick={spotlight.open}>
          <IconSearch size={19} />
        </ActionIcon>
      </header>
      <aside className={classes.side}>
        <Brand isStaff={isStaff} />
        <UnstyledButton className={classes.search} onClick={spotlight.open}>
          <IconSearch size={16} aria-hidden="true" />
          <span>Search</span>
          <kbd className={classes.key}>Ctrl K</kbd>
        </UnstyledButton>
        {side}
      </aside>
      <Drawer opened={isMenuOpen} onClose={menu.close} size={272} title={<Brand isStaff={isStaff} />}>
        <div className={classes.drawer}>{side}</div>
      </Drawer>
      <main id="content" className={classes.content} tabIndex={-1}>
        {children}
      </main>
      <Search pages={isStaff ? STAFF_NAV : CUSTOMER_NAV} />
    </div>
  );
}

function Brand({ isStaff }: { isStaff: boolean }): ReactNode {
  return (
    <Link href={isStaff ? '/today' : '/home'} prefetch={false} className={classes.brand}>
      <BrandMark size={26} />
      Holdfast
    </Link>
  );
}

/** A customer's pages belong to the part of the portal that they are a piece of; the rest to the fleet. */
const sectionOf = (path: string): string =>
  path
    .replace(/^\/customers\/[^/]+\/(?:sla|contract)(?=\/|$)/, '/sla')
    .replace(/^\/customers\/[^/]+\/report(?=\/|$)/, '/reports');

function NavList({ items, path }: { items: readonly NavItem[]; path: string }): ReactNode {
  const section = sectionOf(path);
  return (
    <nav aria-label="Main" className={classes.nav}>
      {items.map((item) => {
        const isHere = [item.href, ...item.covers].some((one) => section === one || section.startsWith(`${one}/`));
        return (
          <Link
            key={item.href}
            href={item.href}
            prefetch={false}
            className={classes.link}
            data-here={isHere || undefined}
            aria-current={path === item.href ? 'page' : undefined}
          >
            {item.icon}
            {item.label}
          </Link>
        );
      })}
    </nav>
  );
}

function Account({ name, email }: { name: string; email: string }): ReactNode {
  return (
    <Menu position="top-start" width={224}>
      <Menu.Target>
        <UnstyledButton className={classes.account} aria-label={`Account of ${name}`}>
          <span className={classes.initials} aria-hidden="true">
            {name
              .split(/\s+/)
              .map((word) => word[0])
              .slice(0, 2)
              .join('')}
          </span>
          <span className={classes.person}>
            <span>{name}</span>
            <span className={classes.email}>{email}</span>
          </span>
          <IconChevronUp size={15} aria-hidden="true" />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<IconLogout2 size={16} />}
          onClick={() => void signOut({ callbackUrl: `${window.location.origin}/sign-in` })}
        >
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
