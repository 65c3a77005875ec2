@main struct RetortBench {
    static func main() {}
}
