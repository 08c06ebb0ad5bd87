extension EdgeConfiguration {
  /// A duration as the file would write it, such as `30d`; nil when the text is none.
  public static func duration(_ text: String) -> Duration? { try? DurationText.parse(text) }
}
