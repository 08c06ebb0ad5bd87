/// How long a response is fresh (RFC 9111, sections 4.2, 5.1, 5.2.2 and 5.3).
enum FreshnessRows {
  static let all = Row.numbered(
    "freshness", lifetimes, directiveSyntax, invalidDirectives, expires, invalidExpires, ages, dates
  )

  private static let lifetimes: [Row] = [
    .reused("max-age makes fresh", "RFC 9111, 5.2.2.1", "Cache-Control: max-age=3600"),
    .reused("s-maxage makes fresh", "RFC 9111, 5.2.2.10", "Cache-Control: s-maxage=3600"),
    .reused(
      "s-maxage goes before max-age=0", "RFC 9111, 4.2.1",
      "Cache-Control: max-age=0, s-maxage=3600"),
    .reused(
      "s-maxage goes before max-age=0 behind it", "RFC 9111, 4.2.1",
      "Cache-Control: s-maxage=3600, max-age=0"),
    .reused(
      "s-maxage on a line of its own goes before max-age", "RFC 9111, 4.2.1",
      "Cache-Control: max-age=0", "Cache-Control: s-maxage=3600"),
    .reused(
      "max-age goes before Expires in the past", "RFC 9111, 5.3",
      "Cache-Control: max-age=3600", "Expires: {now-3600}"),
    .reused(
      "max-age goes before an invalid Expires", "RFC 9111, 5.3",
      "Cache-Control: max-age=3600", "Expires: 0"),
    .reused(
      "s-maxage goes before Expires in the past", "RFC 9111, 5.3",
      "Cache-Control: s-maxage=3600", "Expires: {now-3600}"),
    .reused(
      "must-revalidate does not matter while fresh", "RFC 9111, 5.2.2.2",
      "Cache-Control: max-age=3600, must-revalidate"),
    .reused(
      "proxy-revalidate does not matter while fresh", "RFC 9111, 5.2.2.8",
      "Cache-Control: max-age=3600, proxy-revalidate"),
    .reused(
      "Pragma means nothing in a response", "RFC 9111, 5.4",
      "Cache-Control: max-age=3600", "Pragma: no-cache"),
    .reused(
      "Pragma means nothing beside Expires", "RFC 9111, 5.4",
      "Expires: {now+3600}", "Pragma: no-cache"),
    .reused(
      "immutable does not disturb", "RFC 8246, 2", "Cache-Control: max-age=3600, immutable"),
    .notReused("max-age=0 is stale", "RFC 9111, 5.2.2.1", "Cache-Control: max-age=0"),
    .notReused("s-maxage=0 is stale", "RFC 9111, 5.2.2.10", "Cache-Control: s-maxage=0"),
    .notReused(
      "s-maxage=0 goes before max-age", "RFC 9111, 4.2.1",
      "Cache-Control: max-age=3600, s-maxage=0"),
    .notReused(
      "max-age=0 goes before Expires in the future", "RFC 9111, 5.3",
      "Cache-Control: max-age=0", "Expires: {now+3600}"),
    .notReused(
      "s-maxage=0 goes before Expires in the future", "RFC 9111, 5.3",
      "Cache-Control: s-maxage=0", "Expires: {now+3600}"),
    .notReused(
      "immutable does not make fresh", "RFC 8246, 2", "Cache-Control: max-age=0, immutable"),
  ]

  private static let directiveSyntax: [Row] = [
    .reused("names in capitals", "RFC 9111, 5.2", "Cache-Control: MAX-AGE=3600"),
    .reused("names in mixed case", "RFC 9111, 5.2", "Cache-Control: S-MaxAge=3600"),
    .reused("field name in capitals", "RFC 9110, 5.1", "CACHE-CONTROL: max-age=3600"),
    .reused(
      "whitespace around directives", "RFC 9110, 5.6.1",
      "Cache-Control:  \tpublic  ,  \t max-age=3600  "),
    .reused("no whitespace", "RFC 9110, 5.6.1", "Cache-Control:public,max-age=3600"),
    .reused(
      "empty members do not count", "RFC 9110, 5.6.1.2", "Cache-Control: , ,max-age=3600, ,"),
    .reused("a quoted number counts", "RFC 9111, 5.2", "Cache-Control: max-age=\"3600\""),
    .reused("leading zeros are digits", "RFC 9111, 1.2.2", "Cache-Control: max-age=003600"),
    .reused(
      "2^31 is the largest number", "RFC 9111, 1.2.2", "Cache-Control: max-age=2147483648"),
    .reused(
      "larger numbers count as 2^31", "RFC 9111, 1.2.2", "Cache-Control: max-age=2147483649"),
    .reused(
      "a number beyond 64 bits counts as 2^31", "RFC 9111, 1.2.2",
      "Cache-Control: max-age=99999999999999999999999999"),
    .reused(
      "an s-maxage beyond 64 bits counts as 2^31", "RFC 9111, 1.2.2",
      "Cache-Control: s-maxage=99999999999999999999999999"),
    .reused(
      "unknown directives are ignored", "RFC 9111, 5.2.3",
      "Cache-Control: foo, max-age=3600, bar=baz"),
    .reused(
      "an unknown directive's quoted argument is no directive", "RFC 9111, 5.2.3",
      "Cache-Control: foo=\"bar, no-store\", max-age=3600"),
    .reused(
      "an unknown directive's escaped quote does not end its argument", "RFC 9110, 5.6.4",
      "Cache-Control: foo=\"a\\\", no-store, \\\"b\", max-age=3600"),
    .reused(
      "a name that only begins alike is unknown", "RFC 9111, 5.2.3",
      "Cache-Control: max-agey=0, no-stored, max-age=3600"),
    .reused(
      "a name that only ends alike is unknown", "RFC 9111, 5.2.3",
      "Cache-Control: x-max-age=0, x-no-store, max-age=3600"),
    .reused(
      "a max-age inside a quoted argument does not count", "RFC 9111, 5.2.3",
      "Cache-Control: foo=\"max-age=0\", max-age=3600"),
    .notReused(
      "a lone max-age inside a quoted argument makes nothing fresh", "RFC 9111, 5.2.3",
      "Cache-Control: foo=\"max-age=3600\", max-age=0"),
    .notReused(
      "of max-age twice, a first one of 0 counts", "RFC 9111, 4.2.1",
      "Cache-Control: max-age=0, max-age=3600"),
    .notReused(
      "of max-age on two lines, a first one of 0 counts", "RFC 9111, 4.2.1",
      "Cache-Control: max-age=0", "Cache-Control: max-age=3600"),
    .notReused(
      "of s-maxage twice, a first one of 0 counts", "RFC 9111, 4.2.1",
      "Cache-Control: s-maxage=0, s-maxage=3600"),
  ]

  private static let invalidDirectives: [Row] = [
    .notReused("a negative max-age is stale", "RFC 9111, 4.2.1", "Cache-Control: max-age=-3600"),
    .notReused("a max-age of letters is stale", "RFC 9111, 4.2.1", "Cache-Control: max-age=abc"),
    .notReused(
      "a max-age of digits and letters is stale", "RFC 9111, 4.2.1",
      "Cache-Control: max-age=3600s"),
    .notReused("a fractional max-age is stale", "RFC 9111, 4.2.1", "Cache-Control: max-age=3600.0"),
    .notReused(
      "a max-age with an exponent is stale", "RFC 9111, 4.2.1", "Cache-Control: max-age=1e9"),
    .notReused("a signed max-age is stale", "RFC 9111, 4.2.1", "Cache-Control: max-age=+3600"),
    .notReused("an empty max-age is stale", "RFC 9111, 4.2.1", "Cache-Control: max-age="),
    .notReused("a max-age without argument is stale", "RFC 9111, 4.2.1", "Cache-Control: max-age"),
    .notReused(
      "single quotes are not quotes", "RFC 9111, 4.2.1", "Cache-Control: max-age='3600'"),
    .notReused(
      "a quoted max-age of letters is stale", "RFC 9111, 4.2.1",
      "Cache-Control: max-age=\"abc\""),
    .notReused(
      "an invalid s-maxage is stale beside a max-age", "RFC 9111, 4.2.1",
      "Cache-Control: max-age=3600, s-maxage=abc"),
    .notReused(
      "a negative s-maxage is stale beside a max-age", "RFC 9111, 4.2.1",
      "Cache-Control: max-age=3600, s-maxage=-1"),
    .notReused(
      "an invalid max-age is stale beside Expires", "RFC 9111, 4.2.1",
      "Cache-Control: max-age=abc", "Expires: {now+3600}"),
  ]

  private static let expires: [Row] = [
    .reused("Expires in the future makes fresh", "RFC 9111, 5.3", "Expires: {now+3600}"),
    .reused("Expires in RFC 850 form", "RFC 9110, 5.6.7", "Expires: {850+3600}"),
    .reused("Expires in asctime form", "RFC 9110, 5.6.7", "Expires: {asctime+3600}"),
    .reused("dates match in any case", "RFC 9111, 4.2", "Expires: {lower+3600}"),
    .reused(
      "Expires counts from a Date in the future", "RFC 9111, 4.2.1",
      "Date: {now+7200}", "Expires: {now+10800}"),
    .reused(
      "Expires counts from a Date in the past", "RFC 9111, 4.2.1",
      "Date: {now-600}", "Expires: {now+3600}"),
    .notReused("Expires in the past is stale", "RFC 9111, 5.3", "Expires: {now-3600}"),
    .notReused("Expires in the past, RFC 850 form", "RFC 9110, 5.6.7", "Expires: {850-3600}"),
    .notReused("Expires in the past, asctime form", "RFC 9110, 5.6.7", "Expires: {asctime-3600}"),
    .notReused(
      "Expires equal to Date is stale", "RFC 9111, 4.2.1", "Date: {now}", "Expires: {now}"),
    .notReused(
      "Expires before a Date in the future is stale", "RFC 9111, 4.2.1",
      "Date: {now+7200}", "Expires: {now+3600}"),
    .notReused(
      "an age beyond Expires minus Date is stale", "RFC 9111, 4.2.1",
      "Date: {now-7200}", "Expires: {now-3600}"),
    .notReused(
      "two digits over 50 years ahead mean the past", "RFC 9110, 5.6.7",
      "Expires: Friday, 01-Jan-99 00:00:00 GMT"),
  ]

  private static let invalidExpires: [Row] = [
    .notReused("Expires: 0 is in the past", "RFC 9111, 5.3", "Expires: 0"),
    .notReused("Expires: -1 is in the past", "RFC 9111, 5.3", "Expires: -1"),
    .notReused("an empty Expires is in the past", "RFC 9111, 5.3", "Expires: "),
    .notReused("Expires of words is in the past", "RFC 9111, 5.3", "Expires: tomorrow"),
    .notReused("Expires in Unix seconds", "RFC 9111, 5.3", "Expires: {unix+3600}"),
    .notReused("Expires as ISO 8601", "RFC 9111, 5.3", "Expires: {iso+3600}"),
    .notReused("Expires in UTC by name", "RFC 9111, 4.2", "Expires: {utc+36000}"),
    .notReused("Expires in another zone", "RFC 9111, 4.2", "Expires: {est+36000}"),
    .notReused("Expires with a numeric zone", "RFC 9111, 4.2", "Expires: {plusZone+36000}"),
    .notReused("Expires without a zone", "RFC 9111, 4.2", "Expires: {noZone+36000}"),
    .notReused("Expires without the comma", "RFC 9110, 5.6.7", "Expires: {noComma+36000}"),
    .notReused("Expires with dashes and four digits", "RFC 9110, 5.6.7", "Expires: {dashes+36000}"),
    .notReused(
      "Expires with a year of two digits", "RFC 9110, 5.6.7", "Expires: {shortYear+36000}"),
    .notReused(
      "Expires with a one-digit hour", "RFC 9110, 5.6.7", "Expires: {oneDigitHour+172800}"),
    .notReused("Expires without seconds", "RFC 9110, 5.6.7", "Expires: {noSeconds+36000}"),
    .notReused("a quoted Expires", "RFC 9110, 5.6.7", "Expires: \"{now+3600}\""),
    .notReused(
      "of two Expires lines, a first one in the past counts", "RFC 9111, 4.2.1",
      "Expires: {now-3600}", "Expires: {now+3600}"),
    .notReused(
      "Expires on several lines is invalid", "RFC 9110, 5.3",
      "Expires: {now+3600}", "Expires: {now-3600}"),
  ]

  private static let ages: [Row] = [
    .reused(
      "an Age below max-age is fresh", "RFC 9111, 4.2",
      "Cache-Control: max-age=3600", "Age: 3500"),
    .reused("Age: 0 is fresh", "RFC 9111, 4.2", "Cache-Control: max-age=3600", "Age: 0"),
    .reused(
      "a negative Age is ignored", "RFC 9111, 5.1", "Cache-Control: max-age=3600", "Age: -7200"),
    .reused(
      "an Age of letters is ignored", "RFC 9111, 5.1", "Cache-Control: max-age=3600", "Age: abc"),
    .reused(
      "a fractional Age is ignored", "RFC 9111, 5.1",
      "Cache-Control: max-age=3600", "Age: 7200.0"),
    .reused(
      "an Age with a parameter is ignored", "RFC 9111, 5.1",
      "Cache-Control: max-age=3600", "Age: 7200;foo=bar"),
    .reused("an empty Age is ignored", "RFC 9111, 5.1", "Cache-Control: max-age=3600", "Age: "),
    .reused(
      "of several Ages the first counts", "RFC 9111, 5.1",
      "Cache-Control: max-age=3600", "Age: 0, 7200"),
    .reused(
      "of several Age lines the first counts", "RFC 9111, 5.1",
      "Cache-Control: max-age=3600", "Age: 0", "Age: 7200"),
    .notReused(
      "of several Ages a first large one counts", "RFC 9111, 5.1",
      "Cache-Control: max-age=3600", "Age: 7200, 0"),
    .notReused(
      "of several Age lines a first large one counts", "RFC 9111, 5.1",
      "Cache-Control: max-age=3600", "Age: 7200", "Age: 0"),
    .notReused(
      "an Age above max-age is stale", "RFC 9111, 4.2",
      "Cache-Control: max-age=3600", "Age: 7200"),
    .notReused(
      "an Age equal to max-age is stale", "RFC 9111, 4.2",
      "Cache-Control: max-age=3600", "Age: 3600"),
    .notReused(
      "an Age above s-maxage is stale", "RFC 9111, 4.2",
      "Cache-Control: s-maxage=3600, max-age=99999", "Age: 7200"),
    .notReused(
      "an Age above Expires minus Date is stale", "RFC 9111, 4.2",
      "Expires: {now+3600}", "Age: 7200"),
    .notReused(
      "an Age beyond 64 bits is old", "RFC 9111, 1.2.2",
      "Cache-Control: max-age=3600", "Age: 99999999999999999999999999"),
    .notReused(
      "an Age above 2^31 is old", "RFC 9111, 1.2.2",
      "Cache-Control: max-age=3600", "Age: 2147483649"),
    .notReused(
      "an Age in capitals counts", "RFC 9110, 5.1", "Cache-Control: max-age=3600", "AGE: 7200"),
  ]

  private static let dates: [Row] = [
    .reused(
      "a Date in the past counts as age", "RFC 9111, 4.2.3",
      "Cache-Control: max-age=3600", "Date: {now-3500}"),
    .reused(
      "a Date in the future is no negative age", "RFC 9111, 4.2.3",
      "Cache-Control: max-age=3600", "Date: {now+7200}"),
    .reused(
      "an invalid Date does not disturb max-age", "RFC 9110, 6.6.1",
      "Cache-Control: max-age=3600", "Date: yesterday"),
    .notReused(
      "a Date before max-age is stale", "RFC 9111, 4.2.3",
      "Cache-Control: max-age=3600", "Date: {now-7200}"),
    .notReused(
      "the Date counts where Age is lower", "RFC 9111, 4.2.3",
      "Cache-Control: max-age=3600", "Date: {now-7200}", "Age: 5"),
    .notReused(
      "the Age counts where Date is newer", "RFC 9111, 4.2.3",
      "Cache-Control: max-age=3600", "Date: {now}", "Age: 7200"),
    .notReused(
      "a Date in the future does not take from Age", "RFC 9111, 4.2.3",
      "Cache-Control: max-age=3600", "Date: {now+7200}", "Age: 7200"),
    .notReused(
      "a Date in RFC 850 form counts", "RFC 9110, 5.6.7",
      "Cache-Control: max-age=3600", "Date: {850-7200}"),
    .notReused(
      "a Date in asctime form counts", "RFC 9110, 5.6.7",
      "Cache-Control: max-age=3600", "Date: {asctime-7200}"),
    Row(
      "a response without Date gets one", "RFC 9110, 6.6.1", route: "ttl: { default: 0 }",
      .miss(Answer(fields: ["Cache-Control: max-age=3600"], sendsDate: false)), .hit()),
    Row(
      "Expires counts from the receipt where there is no Date", "RFC 9111, 4.2.1",
      route: "ttl: { default: 0 }",
      .miss(Answer(fields: ["Expires: {now+3600}"], sendsDate: false)), .hit()),
  ]
}
