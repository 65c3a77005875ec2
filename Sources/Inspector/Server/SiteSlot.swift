import Synchronization

/// A site that is made after its server has a port, and never changes afterwards.
final class SiteSlot: Sendable {
    private let stored = Mutex<Site?>(nil)

    var site: Site? { stored.withLock { $0 } }

    func fill(_ site: Site) { stored.withLock { $0 = site } }
}
