// What npm's ical.js makes of calendars: for each one on stdin the instants of its events, in Unix seconds.
//
//   stdin   [{"ics": "BEGIN:VCALENDAR...", "until": 1234567890}, ...]
//   stdout  [[instant, ...], ...], ascending, those before `until`
//
// It knows a time zone only from the calendar itself: what stands in its VTIMEZONE is what counts.

import { readFileSync } from "node:fs";

import ICAL from "ical.js";

const MOST = 5000;

/** @param {string} ics @param {number} until */
function instants(ics, until) {
    const calendar = new ICAL.Component(ICAL.parse(ics));
    ICAL.TimezoneService.reset();
    for (const zone of calendar.getAllSubcomponents("vtimezone")) ICAL.TimezoneService.register(zone);
    const events = calendar.getAllSubcomponents("vevent").map((each) => new ICAL.Event(each));
    const moved = events.filter((event) => event.isRecurrenceException());
    const found = [];
    for (const event of events) {
        if (event.isRecurrenceException()) continue;
        for (const other of moved) if (other.uid === event.uid) event.relateException(other);
        if (!event.isRecurring()) {
            found.push(event.startDate.toUnixTime());
            continue;
        }
        const dates = event.iterator();
        for (let count = 0, date = dates.next(); date && count < MOST; date = dates.next(), count++) {
            // A moved date may be earlier than its place in the order: look on for a while.
            if (date.toUnixTime() > until + 40 * 86400) break;
            found.push(event.getOccurrenceDetails(date).startDate.toUnixTime());
        }
    }
    return found.filter((each) => each < until).sort((one, other) => one - other);
}

const asked = JSON.parse(readFileSync(0, "utf-8"));
process.stdout.write(JSON.stringify(asked.map((/** @type {any} */ one) => instants(one.ics, one.until))));
