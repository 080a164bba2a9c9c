'use client';
import { type ReactNode, useEffect } from 'react';

const ITEM = '[data-today-item]';

/**
 * The list by keyboard: J and K go from item to item, Enter shows what is in it, A acknowledges, S snoozes, O assigns and E
 * excuses the item with the focus. The keys press the buttons that are there, so that nothing is done that a person may not do.
 */
export function TodayKeys(): ReactNode {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(target)) return;
      const items = [...document.querySelectorAll<HTMLElement>(ITEM)];
      const current = target.closest<HTMLElement>(ITEM);
      const at = current === null ? -1 : items.indexOf(current);
      const key = event.key.toLowerCase();
      if (key === 'j' || key === 'k') {
        const next = items[at === -1 ? 0 : Math.min(items.length - 1, Math.max(0, at + (key === 'j' ? 1 : -1)))];
        next?.focus();
        next?.scrollIntoView({ block: 'nearest' });
        event.preventDefault();
        return;
      }
      if (current === null) return;
      if (key === 'enter' && target === current) {
        const details = current.querySelector('details');
        if (details !== null) details.open = !details.open;
        event.preventDefault();
        return;
      }
      const button = current.querySelector<HTMLButtonElement>(`[data-hotkey="${CSS.escape(key)}"]`);
      if (button === null) return;
      event.preventDefault();
      button.focus();
      button.click();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, []);
  return null;
}

/** In a field, a menu or a dialog the letters mean themselves. */
function isTyping(target: HTMLElement): boolean {
  return target.isContentEditable || target.closest('input, textarea, select, [role="menu"], [role="dialog"]') !== null;
}
