/// What a route asks its origin for when a client wants a range of something that is not stored.
///
/// The default is ``part``: who asks for a byte here and a byte there must not be able to make the
/// edge fetch gigabytes, and who jumps into a long recording must not wait for what lies before.
///
/// Whatever is chosen, parts that are stored are used, and what is missing beside them is fetched
/// alone; an origin that answers a range with the whole (200) fills the cache with the whole.
public enum RangeFetching: Sendable, Equatable {
  /// Just the range: the client waits for no byte that it did not ask for, the parts are stored
  /// and put together as they come. Parts of one object take at most as much as the largest object
  /// in memory; ranges above that are passed through.
  case part
  /// The whole representation, of which the client gets its range: right where most of it is going
  /// to be asked for anyway, and where objects too large for memory are to be kept on disk.
  case whole
}
