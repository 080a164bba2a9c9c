'use client';
import { Combobox, TextInput, useCombobox } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconSearch, IconX } from '@tabler/icons-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { FilterError } from '../../../core/domain/fleet-filter/filter-error.ts';
import { ownKeysOf, unknownColumn } from '../../../core/domain/fleet-filter/own-fields.ts';
import { parseFilter } from '../../../core/domain/fleet-filter/parse-filter.ts';
import { suggestFilter } from '../../../core/domain/fleet-filter/suggest-filter.ts';
import type { FleetNames } from '../../../server/fleet/view.ts';
import classes from './filter-field.module.css';

/** A pause in typing after which the list follows, and what cannot be read is said. */
const PAUSE_MS = 500;

interface Problem {
  readonly message: string;
  readonly start: number;
  readonly end: number;
}

/** The filter as text: suggestions while it is typed, and below it in plain words what cannot be read. */
export function FilterField({
  filter,
  names,
  onFilter,
}: {
  filter: string;
  names: FleetNames;
  onFilter: (text: string) => void;
}): ReactNode {
  const [text, setText] = useState(filter);
  const [problem, setProblem] = useState<Problem | null>(() => problemOf(filter, names));
  const [place, setPlace] = useState(filter.length);
  const field = useRef<HTMLInputElement>(null);
  const combobox = useCombobox({ onDropdownClose: () => combobox.resetSelectedOption() });
  // A click on a facet or a view changes the filter from outside.
  const [shown, setShown] = useState(filter);
  if (shown !== filter) {
    setShown(filter);
    setText(filter);
    setProblem(problemOf(filter, names));
  }
  const apply = (wanted: string): void => {
    const found = problemOf(wanted, names);
    setProblem(found);
    if (found === null && wanted !== filter) onFilter(wanted);
  };
  const applyLater = useDebouncedCallback(apply, PAUSE_MS);
  const suggestions = suggestFilter(text, Math.min(place, text.length), names);

  const type = (value: string, at: number): void => {
    setText(value);
    setPlace(at);
    applyLater(value);
    combobox.openDropdown();
    combobox.resetSelectedOption();
  };
  const [wantedPlace, setWantedPlace] = useState<number | null>(null);
  useEffect(() => {
    if (wantedPlace === null) return;
    field.current?.setSelectionRange(wantedPlace, wantedPlace);
    setWantedPlace(null);
  }, [wantedPlace]);
  const take = (index: number): void => {
    const suggestion = suggestions[index];
    if (suggestion === undefined) return;
    const isWhole = !/[:<>=]$/.test(suggestion.text);
    const value = `${text.slice(0, suggestion.start)}${suggestion.text}${isWhole && text.slice(place).trim() === '' ? ' ' : ''}${text.slice(place)}`;
    const at = suggestion.start + suggestion.text.length + (isWhole ? 1 : 0);
    type(value, at);
    setWantedPlace(Math.min(at, value.length));
    if (isWhole) combobox.closeDropdown();
  };

  return (
    <search className={classes.field} aria-label="Filter devices">
      <Combobox store={combobox} onOptionSubmit={(value) => take(Number(value))} withinPortal={false}>
        <Combobox.Target>
          <TextInput
            ref={field}
            aria-label="Filter"
            placeholder="Name, customer, or a condition such as status:missed proof>30d"
            leftSection={<IconSearch size={16} />}
            rightSection={
              text === '' ? null : (
                <button
                  className={classes.clear}
                  aria-label="Clear the filter"
                  onClick={() => {
                    setText('');
                    apply('');
                  }}
                >
                  <IconX size={14} />
                </button>
              )
            }
            value={text}
            spellCheck={false}
            autoComplete="off"
            error={problem === null ? undefined : <ProblemText text={text} problem={problem} />}
            onChange={(event) =>
              type(event.currentTarget.value, event.currentTarget.selectionStart ?? event.currentTarget.value.length)
            }
            onSelect={(event) => setPlace(event.currentTarget.selectionStart ?? 0)}
            onFocus={() => combobox.openDropdown()}
            onBlur={() => combobox.closeDropdown()}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || combobox.getSelectedOptionIndex() >= 0) return;
              combobox.closeDropdown();
              apply(text);
            }}
          />
        </Combobox.Target>
        <Combobox.Dropdown hidden={suggestions.length === 0}>
          <Combobox.Options>
            {suggestions.map(({ text: word, meaning }, index) => (
              <Combobox.Option key={`${word}${String(index)}`} value={String(index)}>
                <span className={classes.word}>{word}</span>
                <span className={classes.meaning}>{meaning}</span>
              </Combobox.Option>
            ))}
          </Combobox.Options>
        </Combobox.Dropdown>
      </Combobox>
    </search>
  );
}

function ProblemText({ text, problem }: { text: string; problem: Problem }): ReactNode {
  const part = text.slice(problem.start, problem.end);
  return (
    <>
      {problem.message}
      {part !== '' && !problem.message.includes(`“${part}”`) && (
        <>
          {' '}
          (at <code className={classes.part}>{part.slice(0, 40)}</code>)
        </>
      )}
    </>
  );
}

function problemOf(text: string, { own }: FleetNames): Problem | null {
  try {
    const { where } = parseFilter(text);
    const known = own.map(({ key }) => key);
    const unknown = where === null ? undefined : ownKeysOf(where).find((key) => !known.includes(key));
    return unknown === undefined ? null : { message: unknownColumn(unknown, known), start: 0, end: text.length };
  } catch (error) {
    if (error instanceof FilterError) return { message: error.message, start: error.start, end: error.end };
    throw error;
  }
}
