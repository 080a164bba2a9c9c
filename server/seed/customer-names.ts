/** Customers of a provider as they are: small firms of every kind, in many places. */
export interface CustomerName {
  readonly name: string;
  readonly timeZone: string;
  /** Of host names. */
  readonly short: string;
}

/** The forty of the small scenarios. */
export const FORTY_CUSTOMERS: readonly CustomerName[] = [
  ['Hill Dental', 'Europe/London', 'hill'],
  ['Lindqvist Tandvård', 'Europe/Stockholm', 'lindqvist'],
  ['Okafor & Partners Solicitors', 'Europe/London', 'okafor'],
  ['Nordhavn Spedition', 'Europe/Copenhagen', 'nordhavn'],
  ['St Brigid’s Primary School', 'Europe/Dublin', 'brigid'],
  ['Baker Haulage', 'Europe/London', 'baker'],
  ['Clínica Veterinaria Ríos', 'Europe/Madrid', 'rios'],
  ['Weber Steuerberatung', 'Europe/Berlin', 'weber'],
  ['Boulangerie Lefèvre', 'Europe/Paris', 'lefevre'],
  ['Kowalski Budownictwo', 'Europe/Warsaw', 'kowalski'],
  ['Harbour View Hotel', 'Europe/Lisbon', 'harbour'],
  ['Papadakis Shipping Agency', 'Europe/Athens', 'papadakis'],
  ['Aoki Precision Tools', 'Asia/Tokyo', 'aoki'],
  ['Sharma Diagnostics', 'Asia/Kolkata', 'sharma'],
  ['Al Noor Pharmacy Group', 'Asia/Dubai', 'alnoor'],
  ['Redgum Accounting', 'Australia/Sydney', 'redgum'],
  ['Te Aroha Vineyards', 'Pacific/Auckland', 'tearoha'],
  ['Maple Street Veterinary', 'America/Toronto', 'maple'],
  ['Delgado & Sons Roofing', 'America/Chicago', 'delgado'],
  ['Blue Mesa Architects', 'America/Denver', 'bluemesa'],
  ['Pacific Crest Physiotherapy', 'America/Los_Angeles', 'crest'],
  ['Whitfield Law', 'America/New_York', 'whitfield'],
  ['Arquitetura Monteiro', 'America/Sao_Paulo', 'monteiro'],
  ['Ubuntu Legal Aid', 'Africa/Johannesburg', 'ubuntu'],
  ['Kamau Logistics', 'Africa/Nairobi', 'kamau'],
  ['Fjord Seafood', 'Europe/Oslo', 'fjord'],
  ['Virtanen Metalli', 'Europe/Helsinki', 'virtanen'],
  ['De Vries Tandartsen', 'Europe/Amsterdam', 'devries'],
  ['Janssens Drukkerij', 'Europe/Brussels', 'janssens'],
  ['Rossi Ceramiche', 'Europe/Rome', 'rossi'],
  ['Novák Stavby', 'Europe/Prague', 'novak'],
  ['Alpenblick Pension', 'Europe/Vienna', 'alpenblick'],
  ['Zürcher Uhrenatelier', 'Europe/Zurich', 'zuercher'],
  ['Municipality of Hollow Creek', 'America/Phoenix', 'hollowcreek'],
  ['Grand River Credit Union', 'America/Detroit', 'grandriver'],
  ['Saltmarsh Community Theatre', 'America/Halifax', 'saltmarsh'],
  ['Nguyen Optometry', 'Australia/Melbourne', 'nguyen'],
  ['Tan & Lim Engineers', 'Asia/Singapore', 'tanlim'],
  ['Pender Island Ferries', 'America/Vancouver', 'pender'],
  ['Meridian Care Homes', 'Europe/London', 'meridian'],
].map(([name, timeZone, short]) => ({ name: name!, timeZone: timeZone!, short: short! }));

const FAMILIES = [
  'Adeyemi',
  'Andersen',
  'Bianchi',
  'Bjork',
  'Carvalho',
  'Chen',
  'Costa',
  'Dubois',
  'Eriksen',
  'Fischer',
  'Fraser',
  'Garcia',
  'Haddad',
  'Hansen',
  'Ibrahim',
  'Ivanova',
  'Jensen',
  'Kaplan',
  'Kim',
  'Laurent',
  'Lopez',
  'Madsen',
  'Moreau',
  'Murphy',
  'Nakamura',
  'Novak',
  'Okonkwo',
  'Olsen',
  'Patel',
  'Petrov',
  'Quinn',
  'Rahman',
  'Reyes',
  'Santos',
  'Schmidt',
  'Silva',
  'Singh',
  'Tanaka',
  'Vargas',
  'Walsh',
] as const;
const TRADES = [
  'Dental',
  'Haulage',
  'Solicitors',
  'Accounting',
  'Veterinary',
  'Engineering',
  'Pharmacy',
  'Architects',
  'Printing',
  'Bakery',
  'Surveyors',
  'Optometry',
  'Joinery',
  'Travel',
  'Physiotherapy',
  'School',
  'Metalworks',
  'Vineyards',
  'Logistics',
  'Hotel',
] as const;

/** As many as are wanted, each of another name. */
export function manyCustomers(count: number): CustomerName[] {
  return Array.from({ length: count }, (_, index) => {
    const forty = FORTY_CUSTOMERS[index];
    if (forty !== undefined) return forty;
    const family = FAMILIES[index % FAMILIES.length]!;
    const trade = TRADES[Math.floor(index / FAMILIES.length) % TRADES.length]!;
    const round = Math.floor(index / (FAMILIES.length * TRADES.length));
    const { timeZone } = FORTY_CUSTOMERS[(index * 7) % FORTY_CUSTOMERS.length]!;
    return {
      name: `${family} ${trade}${round === 0 ? '' : ` ${round + 1}`}`,
      timeZone,
      short: `${family}${trade.slice(0, 3)}${round === 0 ? '' : round + 1}`.toLowerCase(),
    };
  });
}
